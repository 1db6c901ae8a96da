import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { UserError } from '#base'
import { readElf } from './elf.ts'
import type { Entry } from './tar.ts'

/** The folders that glibc searches without configuration and without its cache, which images do not have. */
const TRIPLETS: Readonly<Record<number, string>> = { 62: 'x86_64-linux-gnu', 183: 'aarch64-linux-gnu' }

/** Opened by libc by name, when it looks a host or a user up; before glibc 2.34 these were files of their own. */
const OPENED_BY_NAME = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2']

/**
 * The libraries that a program loads, each of them where its loader finds it, and the loader. `roots` are searched in order: the first
 * that has a library gives it. Fails with the name of what is not there.
 */
export function librariesOf(program: string, roots: readonly string[]): readonly Entry[] {
  const facts = readElf(program)
  if (facts === undefined) throw new UserError(`${program} is not a program for this kind of machine`)
  if (facts.interpreter === undefined) return []
  const { machine, interpreter } = facts
  const triplet = TRIPLETS[machine]
  const folders = [...(triplet === undefined ? [] : [`/lib/${triplet}`, `/usr/lib/${triplet}`]), '/lib64', '/usr/lib64', '/lib', '/usr/lib']
  const inRoots = (path: string): string | undefined => {
    const found = roots.map((root) => join(root, path)).find((candidate) => existsSync(candidate))
    return found === undefined ? undefined : realpathSync(found)
  }
  const find = (name: string, own: readonly string[]): string | undefined =>
    [
      ...own.map((folder) => join(folder, name)).filter((path) => existsSync(path)),
      ...folders.flatMap((folder) => inRoots(join(folder, name)) ?? []),
    ].find((path) => readElf(path)?.machine === machine)

  const target = triplet === undefined ? dirname(interpreter) : `/lib/${triplet}`
  const loader = inRoots(interpreter)
  if (loader === undefined) throw new UserError(`${program} needs the loader ${interpreter}, which this machine does not have`)
  const found = new Map<string, Entry>([[basename(interpreter), { kind: 'file', path: interpreter, mode: 0o755, source: loader }]])
  const waiting = [{ file: program, ...facts }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const own = next.searchPath.map((folder) => folder.replaceAll(/\$(ORIGIN|\{ORIGIN\})/g, dirname(next.file)))
    for (const name of next.needed) {
      if (found.has(name)) continue
      const source = find(name, own)
      if (source === undefined) throw new UserError(`${next.file} needs the library ${name}, which is in none of ${folders.join(', ')}`)
      found.set(name, { kind: 'file', path: `${target}/${name}`, mode: 0o755, source })
      const inner = readElf(source)
      if (inner !== undefined) waiting.push({ file: source, ...inner })
    }
  }
  if (found.has('libc.so.6'))
    for (const name of OPENED_BY_NAME) {
      const source = find(name, [])
      if (source !== undefined && !found.has(name)) found.set(name, { kind: 'file', path: `${target}/${name}`, mode: 0o755, source })
    }
  return [...found.values()]
}
