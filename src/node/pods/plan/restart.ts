import type { core } from '#api'
import { type AnyContainer, ephemeralContainersOf, initContainersOf, isSidecar, specOf } from '../pod-facts.ts'

/** Whether a container that ended with `exitCode` is to run again while its pod goes on. Init containers never run again after success. */
export function restartsAfter(pod: core.Pod, container: AnyContainer, exitCode: number): boolean {
  if (isSidecar(pod, container)) return true
  if (ephemeralContainersOf(pod).some(({ name }) => name === container.name)) return false
  const isInit = initContainersOf(pod).includes(container)
  if (isInit && exitCode === 0) return false
  const action = ruleFor(container, exitCode)?.action
  if (action === 'Restart' || action === 'RestartAllContainers') return true
  switch (container.restartPolicy ?? specOf(pod).restartPolicy ?? 'Always') {
    case 'Never':
      return false
    case 'OnFailure':
      return exitCode !== 0
    default:
      return true
  }
}

/** The first of a container's rules that says what is to be done after it ended with `exitCode`. */
export function ruleFor(container: AnyContainer, exitCode: number): core.ContainerRestartRule | undefined {
  return container.restartPolicyRules?.find(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false
    return exitCodes?.operator === 'NotIn' ? !listed : listed
  })
}
