import type { core } from '#api'
import { configError } from '../refusal.ts'

/** Whether everything mounted below the volume is to be read-only too, as far as the runtime can. Throws `StartRefused` when it must and cannot. */
export function isRecursivelyReadOnly(mount: core.VolumeMount, isSupported: boolean): boolean {
  const { name, readOnly, mountPropagation = 'None', recursiveReadOnly: mode = 'Disabled' } = mount
  const refuse = (why: string): never => {
    throw configError(
      `failed to resolve recursive read-only mode: volume ${JSON.stringify(name)} requested recursive read-only mode, but it is ${why}`,
    )
  }
  if (mode === 'Disabled') return false
  if (readOnly !== true) return refuse('not read-only')
  if (mountPropagation !== 'None') return refuse(`not compatible with propagation ${JSON.stringify(mountPropagation)}`)
  if (mode === 'Enabled' && !isSupported) return refuse('not supported by the runtime')
  return isSupported
}
