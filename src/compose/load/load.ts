import { withoutBlanks } from '../canonical/blanks.ts'
import { canonical } from '../canonical/canonical.ts'
import { withDefaults } from '../canonical/defaults.ts'
import { interpolate } from '../interpolation/interpolate.ts'
import { clear, mergeFiles } from '../merge/merge.ts'
import { withoutRepeats } from '../merge/unique.ts'
import { ComposeRefused } from '../refusal.ts'
import { COMPOSE_FILE } from '../schema/file.ts'
import { problemOf } from '../schema/rule.ts'
import { type Dict, dict, isDict, mapDict, pathText } from '../value.ts'
import { type Document, readDocuments } from '../yaml/read.ts'
import { type LoadContext, type LoadFiles, type SourceFile, inFile } from './context.ts'
import { applyExtends } from './extend.ts'
import { applyIncludes } from './include.ts'
import { resolvePaths } from './paths.ts'
import { checkResources } from './resources.ts'

/** Several files into one model in long form with absolute paths: read, fill in, extend, merge, check, include. */
export const loadFiles: LoadFiles = (sources, context) => {
  const unset = new Set<string>()
  let model: Dict = dict()
  const read: string[] = []
  for (const { path, text } of sources)
    for (const document of readDocuments(text, path)) {
      read.push(path)
      const here = { ...context, including: [...context.including, ...read] }
      model = inFile(path, () => addDocument(model, document, path, here, unset))
    }
  return finish(model, context)
}

/** A file of the current specification that was made from one of an old version: nothing to fill in, nothing to extend. */
export function loadConverted(root: Dict, sources: readonly SourceFile[], context: LoadContext): Dict {
  const file = sources[0]?.path ?? ''
  return finish(
    inFile(file, () => longForm(root, file, () => undefined, context)),
    context,
  )
}

function finish(model: Dict, context: LoadContext): Dict {
  const whole = withDefaults(model)
  checkResources(whole)
  return withKnownNames(resolvePaths(whole, context.folder, context.files), context)
}

/** Bare names in lists of variables take their value where the file was read: included projects have an environment of their own. */
function withKnownNames(root: Dict, { lookup }: LoadContext): Dict {
  const services = root['services']
  if (!isDict(services)) return root
  const known = mapDict(services, (service) => {
    const variables = isDict(service) ? service['environment'] : undefined
    if (!isDict(service) || !Array.isArray(variables)) return service
    const found = variables.map((variable) => {
      const value = typeof variable === 'string' ? lookup(variable) : undefined
      return value === undefined ? variable : `${String(variable)}=${value}`
    })
    return dict([...Object.entries(service), ['environment', found]])
  })
  return dict([...Object.entries(root), ['services', known]])
}

function addDocument(model: Dict, document: Document, file: string, context: LoadContext, unset: Set<string>): Dict {
  const { root } = document
  if (!isDict(root)) throw new ComposeRefused('Top-level object must be a mapping')
  const filled = interpolate(root, {
    lookup: context.lookup,
    file,
    lineOf: document.lineOf,
    unset: (name) => {
      if (!unset.has(name)) context.warn(`The ${JSON.stringify(name)} variable is not set. Defaulting to a blank string.`)
      unset.add(name)
    },
  })
  const extended = applyExtends(filled, file, context, document.cleared)
  const complete = applyIncludes(extended, context, loadFiles)
  const merged = withoutRepeats(mergeFiles(clear(model, document.cleared), complete))
  return longForm(merged, file, document.lineOf, context)
}

type LineOf = Document['lineOf']

function longForm(merged: Dict, file: string, lineOf: LineOf, context: LoadContext): Dict {
  check(merged, file, lineOf)
  const { version, ...rest } = merged
  if (version !== undefined)
    context.warn(`${file}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion`)
  return withoutRepeats(withoutBlanks(canonical(rest)))
}

function check(merged: Dict, file: string, lineOf: LineOf): void {
  const problem = problemOf(merged, COMPOSE_FILE)
  if (problem === undefined) return
  const line = lineOf(
    [...problem.path, ...(problem.key === undefined ? [] : [problem.key])].map((key) => (/^\d+$/.test(key) ? `[${key}]` : key)),
  )
  throw new ComposeRefused(`validating ${file}: ${pathText(problem.path)} ${problem.text}`, {
    file,
    ...(line === undefined ? {} : { line }),
  })
}
