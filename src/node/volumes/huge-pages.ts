import { type core, quantityValue } from '#api'
import { allContainersOf } from '../pods/pod-facts.ts'

const MEDIUM = 'HugePages'
const RESOURCE = 'hugepages-'

/** The page size of an emptyDir of huge pages: what its medium names, or the one size that the pod asks for. Throws when there is no telling. */
export function pageBytesOf(pod: core.Pod, medium: string): number {
  const sizes = new Set(
    allContainersOf(pod).flatMap(({ resources }) =>
      Object.keys(resources?.requests ?? resources?.limits ?? {}).flatMap((name) =>
        name.startsWith(RESOURCE) ? [quantityValue(name.slice(RESOURCE.length))] : [],
      ),
    ),
  )
  if (medium !== MEDIUM) {
    const bytes = quantityValue(medium.slice(MEDIUM.length + 1))
    if (!sizes.has(bytes)) throw new Error(`medium ${medium}: no container of the pod asks for pages of this size`)
    return bytes
  }
  const [only, ...more] = sizes
  if (only === undefined) throw new Error('medium HugePages: no container of the pod asks for huge pages')
  if (more.length > 0)
    throw new Error('medium HugePages: containers of the pod ask for pages of several sizes; name one, as in HugePages-2Mi')
  return only
}
