import { statusError } from './status.ts'

export interface FieldRequirement {
  readonly path: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** Reads the `fieldSelector` of a request; which paths a kind knows is not checked here. Throws a StatusError 400. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term)
      if (match === null) throw statusError.badRequest(`invalid selector: '${text}'; can't understand '${term}'`)
      const [, path = '', operator, value = ''] = match
      return { path, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value) }
    })
}

/** A backslash keeps a comma in a value. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\[^]|\\$|[^\\,])+/g) ?? []
}

function unescapeValue(value: string): string {
  return value.replace(/\\([^]?)|[,=]/gu, (found: string, escaped: string | undefined) => {
    if (escaped === undefined) throw statusError.badRequest(`invalid field selector: unescaped character in value: ${found.codePointAt(0)}`)
    if (escaped !== '\\' && escaped !== ',' && escaped !== '=')
      throw statusError.badRequest(`invalid field selector: invalid escape sequence: ${found}`)
    return escaped
  })
}
