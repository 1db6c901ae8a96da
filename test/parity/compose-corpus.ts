import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { compress } from './corpus.ts'

/** Compose files, and what Docker Compose 2.40.3 makes of them (1.29.2 for files of version 1, which 2.x no longer reads). */
export interface ComposeTopic {
  readonly topic: string
  readonly cases: readonly ComposeCase[]
}
export interface ComposeCase {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** `undefined` where the real program refuses the files. */
  readonly expected?: {
    readonly yaml: string
    readonly json?: string
    readonly lists: Readonly<Record<string, string>>
  }
}

const FILE = join(import.meta.dirname, 'corpus', 'compose.json.zst')

export function readComposeCases(): readonly ComposeTopic[] {
  return JSON.parse(zstdDecompressSync(readFileSync(FILE)).toString('utf8')) as ComposeTopic[]
}

interface Run {
  readonly exitCode: number
  readonly stdout: string
}
interface Recorded extends Omit<ComposeCase, 'expected'> {
  readonly v1: Run
  readonly v2: Run & Readonly<Partial<Record<'json' | 'services' | 'volumes' | 'networks' | 'profiles' | 'images', Run>>>
}

/** Packs a folder of recordings. `isVersionOne` says of a case's files whether they are of the first version. */
export function packCompose(folder: string, isVersionOne: (one: ComposeCase) => boolean): void {
  const topics = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const read = JSON.parse(readFileSync(join(folder, file), 'utf8')) as readonly Recorded[] | { readonly cases: readonly Recorded[] }
      return { topic: file.slice(0, -5), cases: ('cases' in read ? read.cases : read).map((one) => pack(one, isVersionOne)) }
    })
  writeFileSync(FILE, compress(JSON.stringify(topics)))
}

function pack({ v1, v2, ...recorded }: Recorded, isVersionOne: (one: ComposeCase) => boolean): ComposeCase {
  const { name, files, argv = [], env = {} } = recorded
  const kept = { name, files, argv, env }
  if (isVersionOne(kept)) return v1.exitCode === 0 ? { ...kept, expected: { yaml: v1.stdout, lists: {} } } : kept
  if (v2.exitCode !== 0) return kept
  const { json, services, volumes, networks, profiles, images } = v2
  const lists = Object.entries({ services, volumes, networks, profiles, images }).flatMap(([list, run]) =>
    run?.exitCode === 0 ? [[list, run.stdout] as const] : [],
  )
  return { ...kept, expected: { yaml: v2.stdout, ...(json === undefined ? {} : { json: json.stdout }), lists: Object.fromEntries(lists) } }
}
