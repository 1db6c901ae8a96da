import { interpolate } from '../interpolation/interpolate.ts'
import { mergeFiles, clear } from '../merge/merge.ts'
import { withoutRepeats } from '../merge/unique.ts'
import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, childDict, dict, isDict, mapDict } from '../value.ts'
import { readDocuments } from '../yaml/read.ts'
import { type LoadContext, readSource } from './context.ts'
import { folderOf, within } from './files.ts'
import { relativeTo } from './relative.ts'

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
  const own = dict(Object.entries(service).filter(([key]) => key !== 'extends'))
  const marks = cleared.filter((path) => path[0] === 'services' && path[1] === name).map((path) => path.slice(2))
  const joined = mergeFiles(dict([['services', dict([[name, clear(found, marks)]])]]), dict([['services', dict([[name, own]])]]))
  return childDict(childDict(withoutRepeats(joined), 'services'), name)

  function here(of: string): Dict {
    if (!(of in services))
      throw new ComposeRefused(`cannot extend service ${JSON.stringify(name)} in ${file}: service ${JSON.stringify(of)} not found`)
    return withoutExtends(extendService(of, services, file, context, cleared, [...before, step]))
  }

  function elsewhere(of: string, path: string): Dict {
    const place = within(context.folder, path, context.files.home)
    const source = readSource(context.files, place)
    const [document] = readDocuments(source.text, place)
    if (document === undefined || !isDict(document.root)) throw new ComposeRefused('empty compose file', { file: place })
    const other = interpolate(document.root, { lookup: context.lookup, file: place, lineOf: document.lineOf, unset: () => undefined })
    const theirs = childDict(other, 'services')
    if (!(of in theirs))
      throw new ComposeRefused(
        `cannot extend service ${JSON.stringify(name)} in ${file}: service ${JSON.stringify(of)} not found in ${path}`,
      )
    const folder = folderOf(place)
    const resolved = extendService(of, theirs, place, { ...context, folder }, document.cleared, [...before, step])
    return relativeTo(withoutExtends(resolved), folder, context.folder, context.files)
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
