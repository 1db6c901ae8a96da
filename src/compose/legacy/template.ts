import type { Lookup } from '../interpolation/template.ts'

/** `$NAME`, `${NAME}` and `$$`, and nothing else; `undefined` for any other dollar. */
export function substituteOne(template: string, lookup: Lookup): string | undefined {
  let malformed = false
  const filled = template.replaceAll(/\$(?:(\$)|([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)\}|)/g, (_, escaped, bare, braced) => {
    const name: unknown = bare ?? braced
    if (typeof name === 'string') return lookup(name) ?? ''
    if (escaped === undefined) malformed = true
    return '$'
  })
  return malformed ? undefined : filled
}
