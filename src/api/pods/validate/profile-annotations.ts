import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { CONTAINER_FIELDS, visitContainers } from '../visit.ts'
import { APPARMOR_CONTAINER, SECCOMP_CONTAINER, SECCOMP_POD } from './annotations.ts'

type Profile = core.SeccompProfile | core.AppArmorProfile

/** Profiles were annotations once: where a pod has both forms, they say the same. `path` is that of the spec. */
export function validateProfileAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  spec: core.PodSpec,
  path: Path,
  errors: FieldErrors,
): void {
  if (annotations === undefined || !Object.keys(annotations).some((key) => key.includes('security.'))) return
  const compare = (kind: 'seccomp' | 'apparmor', annotation: string | undefined, profile: Profile | undefined, at: () => Path): void => {
    const wrong = annotation === undefined || profile === undefined ? undefined : difference(kind, annotation, profile)
    if (wrong === undefined) return
    const what = wrong === 'type' ? 'type' : 'profile'
    errors.push(fieldError.forbidden(at().child(wrong), `${kind} ${what} in annotation and field must match`))
  }
  const pod = spec.securityContext
  compare('seccomp', annotations[SECCOMP_POD], pod?.seccompProfile, () => path.child('securityContext').child('seccompProfile'))
  visitContainers(spec, ({ name, securityContext }, kind, index) => {
    compare('seccomp', annotations[SECCOMP_CONTAINER + name], securityContext?.seccompProfile, () =>
      path.child(CONTAINER_FIELDS[kind]).index(index).child('securityContext').child('seccompProfile'),
    )
  })
  if (spec.os?.name === 'windows') return
  visitContainers(spec, ({ name, securityContext }, kind, index) => {
    compare('apparmor', annotations[APPARMOR_CONTAINER + name], securityContext?.appArmorProfile ?? pod?.appArmorProfile, () =>
      path.child(CONTAINER_FIELDS[kind]).index(index).child('securityContext').child('appArmorProfile'),
    )
  })
}

const LOCALHOST = 'localhost/'

function difference(kind: 'seccomp' | 'apparmor', annotation: string, { type, localhostProfile }: Profile): keyof Profile | undefined {
  if (type === 'Unconfined') return annotation === 'unconfined' ? undefined : 'type'
  if (type === 'RuntimeDefault')
    return annotation === 'runtime/default' || (kind === 'seccomp' && annotation === 'docker/default') ? undefined : 'type'
  if (type !== 'Localhost') return undefined
  if (!annotation.startsWith(LOCALHOST)) return 'type'
  return annotation.slice(LOCALHOST.length) === localhostProfile ? undefined : 'localhostProfile'
}
