/** One key of an object in a JSON text. */
export interface FieldPlace {
  /** `spec.containers[0].name`. */
  readonly path: string
  /** Whether the same object had this key before. */
  readonly duplicate: boolean
  /** How the reader of the text tells of the second one, where that is not as usual. */
  readonly told?: string
}

interface Container {
  readonly path: string
  /** Keys seen so far; absent for a list. */
  readonly keys?: Set<string>
  index: number
  /** The key whose value comes next. */
  key: string
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs

/** The keys of a text that is known to be JSON, in the order of the text. */
export function fieldPlaces(text: string): FieldPlace[] {
  const places: FieldPlace[] = []
  const stack: Container[] = []
  let lastString: string | undefined
  for (const [token] of text.matchAll(TOKEN)) {
    const top = stack.at(-1)
    if (token === '{' || token === '[') {
      stack.push({
        path: top === undefined ? '' : childPath(top),
        ...(token === '{' ? { keys: new Set<string>() } : {}),
        index: 0,
        key: '',
      })
      lastString = undefined
    } else if (token === '}' || token === ']') {
      stack.pop()
      lastString = undefined
    } else if (token === ',') {
      if (top !== undefined) top.index++
    } else if (token === ':') {
      if (top?.keys === undefined || lastString === undefined) continue
      top.key = JSON.parse(lastString) as string
      places.push({ path: childPath(top), duplicate: top.keys.has(top.key) })
      top.keys.add(top.key)
    } else lastString = token
  }
  return places
}

function childPath(parent: Container): string {
  if (parent.keys === undefined) return `${parent.path}[${parent.index}]`
  return parent.path === '' ? parent.key : `${parent.path}.${parent.key}`
}
