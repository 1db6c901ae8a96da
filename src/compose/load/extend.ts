import { mergeFiles, clear } from '../merge/merge.ts'
import { withoutRepeats } from '../merge/unique.ts'
import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, childDict, dict, isDict, mapDict } from '../value.ts'
import { readBaseFile } from './base-file.ts'
import type { LoadContext } from './context.ts'
import { folderOf, within } from './files.ts'

/** Puts what each service extends under it. `cleared` are the paths that the file itself marked as starting afresh. */
export function applyExtends(root: Dict, file: string, context: LoadContext, cleared: readonly Path[]): Dict {
  const services = root['services']
  if (services === undefined) return root
  if (!isDict(services)) throw new ComposeRefused('services must be a mapping')
  const extended = mapDict(services, (_, name) => extendService(name, services, file, context, cleared, []) ?? null)
  return dict([...Object.entries(root), ['services', extended]])
}

type Step = `${string}#${string}`

function extendService(
  name: string,
  services: Dict,
  file: string,
  context: LoadContext,
  cleared: readonly Path[],
  before: readonly Step[],
): Dict | undefined {
  const service = services[name]
  if (!isDict(service)) return service === undefined || service === null ? dict() : refuseShape(name)
  const { extends: given } = service
  if (given === undefined) return service
  const step: Step = `${file}#${name}`
  if (before.includes(step)) throw new ComposeRefused(`Circular reference:\n  ${[...before, step].map(shown).join('\n  extends ')}`)
  const base = isDict(given) ? given['service'] : given
  const from = (isDict(given) ? given['file'] : undefined) ?? undefined
  if (typeof base !== 'string' || (from !== undefined && typeof from !== 'string'))
    throw new ComposeRefused(`services.${name}.extends.service is required`)
  const found = from === undefined ? here(base) : elsewhere(base, from)
  if (found === null) return service
  const own = withoutExtends(service)
  const marks = cleared.filter((path) => path[0] === 'services' && path[1] === name).map((path) => path.slice(2))
  const joined = mergeFiles(dict([['services', dict([[name, clear(found, marks)]])]]), dict([['services', dict([[name, own]])]]))
  return childDict(childDict(withoutRepeats(joined), 'services'), name)

  function here(of: string): Dict | null {
    if (!(of in services))
      throw new ComposeRefused(`cannot extend service ${JSON.stringify(name)} in ${file}: service ${JSON.stringify(of)} not found`)
    return extended(of, services, file, context, cleared)
  }

  function elsewhere(of: string, path: string): Dict | null {
    const place = within(context.folder, path, context.files.home)
    const { root, cleared: marked } = readBaseFile(place, context)
    const theirs = root['services']
    if (theirs === undefined) throw new ComposeRefused(`cannot extend service ${JSON.stringify(name)} in ${place}: no services section`)
    if (!isDict(theirs)) throw new ComposeRefused(`cannot extend service ${JSON.stringify(name)} in ${place}: services must be a mapping`)
    if (!(of in theirs))
      throw new ComposeRefused(
        `cannot extend service ${JSON.stringify(name)} in ${file}: service ${JSON.stringify(of)} not found in ${path}`,
      )
    return extended(of, theirs, place, { ...context, folder: folderOf(place) }, marked)
  }

  /** `null` where there is nothing to extend. */
  function extended(of: string, among: Dict, place: string, around: LoadContext, marked: readonly Path[]): Dict | null {
    const base = extendService(of, among, place, around, marked, [...before, step])
    return among[of] === null ? null : withoutExtends(base)
  }
}

const withoutExtends = (service: Dict | undefined): Dict => dict(Object.entries(service ?? dict()).filter(([key]) => key !== 'extends'))

const shown = (step: Step): string => {
  const at = step.lastIndexOf('#')
  return `${step.slice(at + 1)} in ${step.slice(0, at)}`
}

function refuseShape(name: string): never {
  throw new ComposeRefused(`services.${name} must be a mapping`)
}
