import { UserError, messageOf } from '#base'

/** What an administrator's chain may ask for, in the words of containerd's own templates: the ranges of the node's pods. */
const ASKED = /\{\{\s*(?:\.PodCIDR|index\s+\.PodCIDRRanges\s+(\d))\s*\}\}/g
const LONGEST = 64 * 1024

/** A chain of CNI plugins instead of ours: what containerd is told, and the plugins that have to be there. */
export interface OwnChain {
  readonly config: string
  readonly plugins: readonly string[]
}

/** Pure. Throws `UserError` for what is no such chain; `path` is what the person calls it. */
export function ownChain(path: string, text: string, podCidrs: readonly string[]): OwnChain {
  const wrong = (why: string): UserError =>
    new UserError(`${path} is no chain of CNI plugins: ${why}`, 'give a list: {"cniVersion": "0.4.0", "name": …, "plugins": [{"type": …}]}')
  if (text.length > LONGEST) throw wrong(`it is longer than ${LONGEST} bytes`)
  const filled = text.replaceAll(ASKED, (words, index = '0') => {
    const range = podCidrs[Number(index)]
    if (range === undefined) throw wrong(`${words} asks for more ranges than the pods of the node have (${podCidrs.join(', ')})`)
    return range
  })
  const unknown = /\{\{[^}]*\}?\}?/.exec(filled)?.[0]
  if (unknown !== undefined) throw wrong(`${unknown} is not known here: {{.PodCIDR}} and {{index .PodCIDRRanges 1}} are`)
  const list = parsed(filled, wrong)
  for (const key of ['cniVersion', 'name'] as const) if (typeof list[key] !== 'string' || list[key] === '') throw wrong(`it has no ${key}`)
  if (!Array.isArray(list['plugins']) || list['plugins'].length === 0) throw wrong('it has no plugins')
  const plugins = (list['plugins'] as readonly unknown[]).map((plugin) => {
    const type = plugin !== null && typeof plugin === 'object' && 'type' in plugin ? plugin.type : undefined
    if (typeof type !== 'string' || !/^[\w.-]+$/.test(type))
      throw wrong(`a plugin's type is not the name of a program: ${JSON.stringify(type)}`)
    return type
  })
  return { config: filled, plugins }
}

function parsed(text: string, wrong: (why: string) => UserError): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw wrong(messageOf(error))
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrong('it is no object')
  return value as Readonly<Record<string, unknown>>
}
