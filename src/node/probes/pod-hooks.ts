import { type Scope, messageOf } from '#base'
import type { ContainerRuntime } from '../cri/runtime.ts'
import type { PodHooks } from '../pods/services.ts'
import { httpGet } from './http-get.ts'

const HTTP_HOOK_MS = 30_000
const MOST_OUTPUT = 1024

/** Lifecycle hooks. The caller's scope bounds them. */
export function podHooks(runtime: ContainerRuntime): PodHooks {
  return {
    async run(scope: Scope, _pod, container, containerId, podIp, hook) {
      if (hook.exec !== undefined) {
        const command = hook.exec.command ?? []
        const { exitCode, stdout, stderr } = await runtime.execSync(scope, containerId, command, 0)
        if (exitCode === 0) return
        const output = Buffer.concat([stdout, stderr]).toString('utf8').slice(0, MOST_OUTPUT)
        throw new Error(`command '${command.join(' ')}' exited with ${exitCode}: ${output}`)
      }
      if (hook.httpGet !== undefined) {
        const { status, body } = await httpGet(scope, container, podIp, hook.httpGet, HTTP_HOOK_MS).catch((error: unknown) => {
          scope.check()
          throw new Error(messageOf(error))
        })
        if (status >= 400) throw new Error(`HTTP lifecycle hook failed with statuscode: ${status}: ${body.slice(0, MOST_OUTPUT)}`)
        return
      }
      if (hook.sleep !== undefined) return scope.sleep(hook.sleep.seconds * 1000)
      throw new Error('invalid handler: only exec, httpGet and sleep are lifecycle hooks')
    },
  }
}
