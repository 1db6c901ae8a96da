import { type CelType, listType, mapType, opaqueType, optionalType, TYPES, typeParam, typeType } from './type.ts'

/** What a function takes and gives: `string.(int, list(T)) -> T`. Single capitals are type parameters, dotted names abstract types. */
export interface Signature {
  readonly isMember: boolean
  /** Of member functions the target is the first. */
  readonly params: readonly CelType[]
  readonly result: CelType
  readonly typeParams: readonly string[]
}

export function parseSignature(text: string): Signature {
  const reader = new Reader(text)
  const isMember = !text.startsWith('(')
  const params: CelType[] = []
  if (isMember) {
    params.push(reader.type())
    reader.expect('.')
  }
  reader.expect('(')
  while (!reader.skip(')')) {
    params.push(reader.type())
    reader.skip(',')
  }
  reader.expect('->')
  const result = reader.type()
  return { isMember, params, result, typeParams: [...reader.typeParams] }
}

export function parseType(text: string): CelType {
  return new Reader(text).type()
}

const TOKEN = /\s*(->|\.\(|[(),]|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)/y

class Reader {
  readonly typeParams = new Set<string>()
  readonly #tokens: readonly string[]
  #next = 0

  constructor(text: string) {
    const tokens: string[] = []
    TOKEN.lastIndex = 0
    for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
      const token = match[1] as string
      if (token === '.(') tokens.push('.', '(')
      else tokens.push(token)
    }
    this.#tokens = tokens
  }

  skip(token: string): boolean {
    if (this.#tokens[this.#next] !== token) return false
    this.#next++
    return true
  }
  expect(token: string): void {
    if (!this.skip(token)) throw new SyntaxError(`signature: ${token} expected at ${this.#tokens.slice(this.#next).join(' ')}`)
  }
  type(): CelType {
    const name = this.#tokens[this.#next++] as string
    const params: CelType[] = []
    if (this.#tokens[this.#next] === '(' && PARAMETERIZED.has(name)) {
      this.#next++
      while (!this.skip(')')) {
        params.push(this.type())
        this.skip(',')
      }
    }
    const [first = TYPES.dyn, second = TYPES.dyn] = params
    switch (name) {
      case 'list':
        return listType(first)
      case 'map':
        return mapType(first, second)
      case 'optional':
        return optionalType(first)
      case 'type':
        return params.length === 0 ? TYPES.type : typeType(first)
    }
    const known = Object.hasOwn(TYPES, name) ? TYPES[name as keyof typeof TYPES] : undefined
    if (known !== undefined) return known
    if (!/^[A-Z]$/.test(name)) return opaqueType(name)
    this.typeParams.add(name)
    return typeParam(name)
  }
}
const PARAMETERIZED: ReadonlySet<string> = new Set(['list', 'map', 'optional', 'type'])
