import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, type Value, isDict, mapDict, pathText } from '../value.ts'
import { castAt } from './casts.ts'
import { type Lookup, substitute } from './template.ts'

export interface Interpolation {
  readonly lookup: Lookup
  readonly file: string
  lineOf(path: Path): number | undefined
  /** A variable that is not set and has no default. */
  unset(name: string): void
}

/** Fills in the variables of all texts. Throws one `ComposeRefused` that names everything that is missing or malformed. */
export function interpolate(root: Dict, by: Interpolation): Dict {
  const problems: { readonly path: Path; readonly text: string }[] = []
  const filled = valueAt(root, [])
  const [first] = problems
  if (first !== undefined) {
    const line = by.lineOf(first.path)
    throw new ComposeRefused(problems.map(({ text }) => text).join('\n'), { file: by.file, ...(line === undefined ? {} : { line }) })
  }
  return isDict(filled) ? filled : root

  function valueAt(value: Value, path: Path): Value {
    if (typeof value === 'string') return textAt(value, path)
    if (Array.isArray(value)) return value.map((item, at) => valueAt(item, [...path, `[${at}]`]))
    return isDict(value) ? mapDict(value, (item, key) => valueAt(item, [...path, key])) : value
  }

  function textAt(text: string, path: Path): Value {
    const result = substitute(text, by.lookup)
    const where = pathText(path)
    if (result.kind === 'malformed') {
      problems.push({ path, text: `invalid interpolation format for ${where}.\nYou may need to escape any $ with another $.\n${text}` })
      return text
    }
    if (result.kind === 'missing') {
      const why = result.message === '' ? '' : `: ${result.message}`
      problems.push({ path, text: `error while interpolating ${where}: required variable ${result.name} is missing a value${why}` })
      return text
    }
    for (const name of result.unset) by.unset(name)
    const cast = castAt(path)
    if (cast === undefined) return result.text
    try {
      return cast(result.text)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      problems.push({ path, text: `error while interpolating ${where}: failed to cast to expected type: ${error.message}` })
      return text
    }
  }
}
