import { UserError } from '#base'

/** `NAME=VALUE`, several with commas, of the names that there are. Throws `UserError`. */
export function parseOptions(whose: string, text: string, names: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>()
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = at === -1 ? part : part.slice(0, at)
    if (at === -1 || !names.includes(name))
      throw new UserError(`not an option of the ${whose}: ${part}`, `there are ${names.join(', ')}, each with =VALUE`)
    given.set(name, part.slice(at + 1))
  }
  return given
}

export function truth(options: ReadonlyMap<string, string>, name: string): boolean {
  const value = options.get(name) ?? 'false'
  if (value !== 'true' && value !== 'false') throw new UserError(`${name} is ${value}`, 'give true or false')
  return value === 'true'
}
