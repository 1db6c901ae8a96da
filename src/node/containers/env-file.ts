import { open } from 'node:fs/promises'
import { messageOf } from '#base'
import type { core } from '#api'
import { uidOf } from '../pods/pod-facts.ts'
import { configError } from '../refusal.ts'
import type { NodeSettings } from '../settings.ts'
import { openInside } from '../volumes/sub-path.ts'
import { volumeDir } from '../volumes/volume-kind.ts'

/** Whoever writes into the volume chooses the size of the file. */
const MOST_BYTES = 1024 * 1024

/**
 * The value of a key in a file of lines `NAME='value'`, as Kubernetes reads it: comments and what follows a value are skipped, a value may
 * span lines, nothing is escaped. Blank after the equals sign means that the variable is empty. Empty for a key that is not there; throws
 * where the file breaks the rules before the key's value.
 */
export function valueInEnvFile(text: string, key: string): string {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  // What ends in a line break has no further line.
  if (lines.at(-1) === '') lines.pop()
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? '').replace(/^[ \t]+/, '')
    if (line === '' || line.startsWith('#')) continue
    const wrong = (why: string): Error => new Error(`invalid environment variable format at line ${at + 1}: ${why}`)
    const equals = line.indexOf('=')
    if (equals === -1) throw wrong("missing '='")
    const name = line.slice(0, equals)
    if (/^[ \t]*$/.test(name)) throw wrong('empty variable name')
    if (/[ \t]$/.test(name)) throw wrong("whitespace before '=' is not allowed")
    const value = line.slice(equals + 1)
    if (/^[ \t]/.test(value)) {
      if (name === key) return ''
      continue
    }
    if (!value.startsWith("'")) throw wrong('value must be enclosed in single quotes')
    const parts: string[] = []
    const first = at
    for (let rest = value.slice(1); ; rest = lines[at] ?? '') {
      const close = rest.indexOf("'")
      parts.push(close === -1 ? rest : rest.slice(0, close))
      if (close !== -1) {
        if (!/^[ \t]*(#|$)/.test(rest.slice(close + 1))) throw wrong('unexpected content after closing quote')
        break
      }
      if (++at >= lines.length) throw new Error(`invalid environment variable format starting at line ${first + 1}: unclosed single quote`)
    }
    if (name === key) return parts.join('\n')
  }
  return ''
}

/** The variable from a file that another container of the pod has written into an emptyDir; undefined where an optional one is not there. */
export async function fileValue(pod: core.Pod, settings: NodeSettings, reference: core.FileKeySelector): Promise<string | undefined> {
  const { volumeName, path, key, optional } = reference
  const root = volumeDir(`${settings.podsDir}/${uidOf(pod)}`, 'empty-dir', volumeName)
  let value: string
  try {
    value = valueInEnvFile(await readInside(root, path), key)
  } catch (error) {
    throw configError(`couldn't parse env file: ${messageOf(error)}`, error)
  }
  if (value !== '') return value
  if (optional === true) return undefined
  throw configError(`environment variable key ${JSON.stringify(key)} not found in file ${JSON.stringify(`${root}/${path}`)}`)
}

/** Never waits: the container may have put a pipe or a device there. */
async function readInside(root: string, path: string): Promise<string> {
  await using place = await openInside(root, path, undefined)
  const found = await place.stat()
  if (!found.isFile()) throw new Error(`${path} is not a file`)
  if (found.size > MOST_BYTES) throw new Error(`${path} has more than ${MOST_BYTES} bytes`)
  await using file = await open(`/proc/self/fd/${place.fd}`, 'r')
  const buffer = Buffer.alloc(found.size)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
  return buffer.toString('utf8', 0, bytesRead)
}
