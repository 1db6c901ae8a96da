import { type JsonSchema, valuesOf } from '../json-schema.ts'

const TOKEN = /'(?:[^'\\]|\\.|\\(?!'))*'|[.[\]]|[^.[\]']+/y
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
}

/** `.a.b`, `.a['c.d']` as error messages write it; undefined when the schema has no such place. */
export function readFieldPath(text: string, root: JsonSchema): string | undefined {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  let end = 0
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    tokens.push(match[0])
    end = TOKEN.lastIndex
  }
  if (end !== text.length || tokens.length === 0) return undefined
  let schema: JsonSchema | undefined = root
  let path = ''
  for (let i = 0; i < tokens.length; ) {
    const step = nameAt(tokens, i)
    if (step === undefined || schema === undefined) return undefined
    const properties: JsonSchema['properties'] = schema.properties
    if (properties !== undefined) {
      if (!Object.hasOwn(properties, step.name)) return undefined
      path += path === '' ? step.name : `.${step.name}`
      schema = properties[step.name]
    } else if (schema.additionalProperties !== undefined) {
      path += `[${step.name}]`
      schema = valuesOf(schema)
    } else return undefined
    i += step.length
  }
  return path
}

function nameAt(tokens: readonly string[], at: number): { readonly name: string; readonly length: number } | undefined {
  const [first, second, third] = tokens.slice(at, at + 3)
  if (first === '.') return second === undefined ? undefined : { name: second, length: 2 }
  if (first !== '[' || third !== ']' || second === undefined || !/^'.*'$/s.test(second) || second.length < 2) return undefined
  let isGood = true
  const name = second.slice(1, -1).replaceAll(/\\(.)/gs, (_, letter: string) => {
    const mark = ESCAPES[letter]
    if (mark === undefined) isGood = false
    return mark ?? ''
  })
  return isGood ? { name, length: 3 } : undefined
}
