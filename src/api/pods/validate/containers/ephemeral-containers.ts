import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { type PodSurroundings, validateContainer } from './containers.ts'

/** What a container that is added to a running pod cannot have, in Kubernetes' order. */
const FORBIDDEN = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const
const WRONG = 'cannot be set for an Ephemeral Container'

export function validateEphemeralContainers(pod: PodSurroundings, path: Path, errors: FieldErrors): void {
  const { ephemeralContainers, containers, initContainers } = pod.spec
  if (ephemeralContainers === undefined) return
  const others = new Set([...(containers ?? []), ...(initContainers ?? [])].map(({ name }) => name))
  const names = new Set(others)
  ephemeralContainers.forEach((container, i) => {
    const at = path.index(i)
    validateContainer(container, pod, at, errors)
    validateNoWhitespace(container.image, at.child('image'), errors)
    if (names.has(container.name)) errors.push(fieldError.duplicate(at.child('name'), container.name))
    else names.add(container.name)
    const target = container.targetContainerName ?? ''
    if (target !== '' && !others.has(target)) errors.push(fieldError.notFound(at.child('targetContainerName'), target))
    validateFields(container, at, errors)
    container.volumeMounts?.forEach(({ subPath, subPathExpr }, m) => {
      const mount = at.child('volumeMounts').index(m)
      if ((subPath ?? '') !== '') errors.push(fieldError.forbidden(mount.child('subPath'), WRONG))
      if ((subPathExpr ?? '') !== '') errors.push(fieldError.forbidden(mount.child('subPathExpr'), WRONG))
    })
  })
}

function validateFields(container: core.EphemeralContainer, path: Path, errors: FieldErrors): void {
  for (const field of FORBIDDEN) {
    const value = container[field]
    if (value === undefined || (Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0))
      continue
    errors.push(fieldError.forbidden(path.child(field), WRONG))
  }
}

/** Images of templates may have it: upstream knows a template that relies on it. */
export function validateNoWhitespace(image: string | undefined, path: Path, errors: FieldErrors): void {
  if (image !== undefined && image.trim().length !== image.length)
    errors.push(fieldError.invalid(path, image, 'must not have leading or trailing whitespace'))
}
