import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { STATUS_LISTS } from '../visit.ts'

/** What a node says of single containers: who they run as, and how the devices are that they were given. */

const HEALTH = ['Healthy', 'Unhealthy', 'Unknown']
const MAX_ID = 2_147_483_647
const MAX_MESSAGE = 1024

export function validateContainerReports({ status = {}, spec }: core.Pod, errors: FieldErrors): void {
  const os = spec?.os?.name ?? 'linux'
  const all = STATUS_LISTS.map((list) => [list, Path.of('status', list), status[list] ?? []] as const)
  for (const [, path, statuses] of all) statuses.forEach(({ user }, i) => validateUser(user, os, path.index(i).child('user'), errors))
  for (const [list, path, statuses] of all)
    statuses.forEach(({ name, allocatedResourcesStatus = [] }, i) => {
      const at = path.index(i).child('allocatedResourcesStatus')
      if (list === 'ephemeralContainerStatuses') {
        if (allocatedResourcesStatus.length > 0) errors.push(fieldError.forbidden(at, 'must not be specified in container status'))
        return
      }
      const containers = (list === 'containerStatuses' ? spec?.containers : spec?.initContainers) ?? []
      const container = containers.find((one) => one.name === name)
      allocatedResourcesStatus.forEach((one, j) => validateDevices(one, container, at.index(j), errors))
    })
}

function validateUser(user: core.ContainerUser | undefined, os: string, path: Path, errors: FieldErrors): void {
  const { linux } = user ?? {}
  if (linux === undefined) return
  const at = path.child('linux')
  if (os === 'windows') errors.push(fieldError.forbidden(at, 'cannot be set for a windows pod'))
  if (os !== 'linux') return
  const check = (id: number, where: Path): void => {
    if (id < 0 || id > MAX_ID) errors.push(fieldError.invalid(where, id, `must be between 0 and ${MAX_ID}, inclusive`))
  }
  check(linux.uid, at.child('uid'))
  check(linux.gid, at.child('gid'))
  linux.supplementalGroups?.forEach((gid, i) => check(gid, at.child('supplementalGroups').index(i)))
}

/** Reports of containers that are no longer there are taken. */
function validateDevices(
  { name, resources = [] }: core.ResourceStatus,
  container: core.Container | undefined,
  path: Path,
  errors: FieldErrors,
): void {
  if (container !== undefined) {
    const { claims = [], requests = {} } = container.resources ?? {}
    const isClaim = name.startsWith('claim:')
    const known = isClaim
      ? claims.some((claim) => name === `claim:${claim.name}${(claim.request ?? '') === '' ? '' : `/${claim.request}`}`)
      : Object.hasOwn(requests, name)
    const why = isClaim
      ? "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
      : "must match one of the container's resource requests"
    if (!known) errors.push(fieldError.invalid(path.child('name'), name, why))
  }
  const seen = new Set<string>()
  resources.forEach(({ resourceID, health = '', message }, i) => {
    const at = path.child('resources').index(i)
    if (!HEALTH.includes(health)) errors.push(fieldError.notSupported(at.child('health'), health, HEALTH))
    if (message === '') errors.push(fieldError.required(at.child('message'), 'must be non-empty if specified'))
    else if (message !== undefined && new TextEncoder().encode(message).length > MAX_MESSAGE)
      errors.push(fieldError.tooLong(at.child('message'), MAX_MESSAGE))
    if (seen.has(resourceID)) errors.push(fieldError.duplicate(at.child('resourceID'), resourceID))
    seen.add(resourceID)
  })
}
