import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { portNameErrors, portNumberErrors } from '../../../validation/names.ts'
import { invalidText, validateRequiredEnum } from '../../../validation/values.ts'

export const PROTOCOLS = ['SCTP', 'TCP', 'UDP']

export function validateContainerPorts(ports: readonly core.ContainerPort[], path: Path, errors: FieldErrors): void {
  const names = new Set<string>()
  ports.forEach(({ name = '', containerPort = 0, hostPort = 0, protocol }, i) => {
    const at = path.index(i)
    if (name !== '') {
      const messages = portNameErrors(name)
      invalidText(name, messages, at.child('name'), errors)
      if (messages.length === 0 && names.has(name)) errors.push(fieldError.duplicate(at.child('name'), name))
      names.add(name)
    }
    if (containerPort === 0) errors.push(fieldError.required(at.child('containerPort')))
    else invalidText(containerPort, portNumberErrors(containerPort), at.child('containerPort'), errors)
    if (hostPort !== 0) invalidText(hostPort, portNumberErrors(hostPort), at.child('hostPort'), errors)
    validateRequiredEnum(protocol, PROTOCOLS, at.child('protocol'), errors)
  })
}

/** No two of these containers may want the same port of the host. `path` is that of their list. */
export function validateHostPortConflicts(containers: readonly Pick<core.Container, 'ports'>[], path: Path, errors: FieldErrors): void {
  let taken: Set<string> | undefined
  for (const [c, { ports }] of containers.entries()) {
    if (ports === undefined) continue
    for (const [i, { protocol = '', hostIP = '', hostPort = 0 }] of ports.entries()) {
      if (hostPort === 0) continue
      const key = `${protocol}/${hostIP}/${hostPort}`
      taken ??= new Set()
      if (taken.has(key)) errors.push(fieldError.duplicate(path.index(c).child('ports').index(i).child('hostPort'), key))
      taken.add(key)
    }
  }
}

/** A port as probes and services name one. */
export function validatePortNumberOrName(port: string | number | undefined, path: Path, errors: FieldErrors): void {
  if (typeof port === 'string') invalidText(port, portNameErrors(port), path, errors)
  else invalidText(port ?? 0, portNumberErrors(port ?? 0), path, errors)
}
