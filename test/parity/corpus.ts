import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/**
 * Exchanges recorded from kube-apiserver 1.36.3 and the controllers and scheduler beside it. An area is one compressed file of many topics;
 * a topic is a list of scenarios, a scenario a list of steps, and each step carries the answer that the real thing gave.
 */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export interface Topic {
  readonly name: string
  readonly scenarios: readonly Scenario[]
}

export interface Scenario {
  readonly name: string
  /** Runs alone, in a cluster without Nodes: its messages count them. */
  readonly serial?: boolean
  readonly setup?: readonly Step[]
  readonly steps: readonly Step[]
}

export interface Step {
  readonly as?: string
  readonly groups?: readonly string[]
  /** `METHOD path` with `{words}` to fill in. */
  readonly request?: string
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>
  readonly body?: Json
  readonly bodyRepeat?: number
  /** Word → path in the answer; `$` is the whole answer. */
  readonly save?: Readonly<Record<string, string>>
  readonly watch?: { readonly until?: number; readonly timeoutMs?: number; readonly during?: readonly Step[] }
  readonly only?: readonly string[]
  readonly except?: readonly string[]
  readonly expectHeaders?: readonly string[]
  readonly poll?: { readonly status?: number; readonly path?: string; readonly equals?: Json; readonly timeoutMs?: number }
  readonly sleepMs?: number
  readonly allow?: readonly number[]
  /** Must succeed, is not compared. */
  readonly quiet?: boolean
  /** `GET path`, repeated until the answer is the recorded one and stays so. */
  readonly eventually?: string
  readonly each?: readonly string[]
  readonly unique?: boolean
  readonly where?: JsonObject
  readonly without?: JsonObject
  readonly replace?: readonly (readonly [string, string])[]
  readonly timeoutMs?: number
  readonly holdMs?: number
  readonly kubelet?: PodChange
  readonly setPods?: PodChange
  readonly response?: Answer
}

/** What the scenario does in the kubelet's place: brings matching pods to a state, or removes them. */
export interface PodChange {
  readonly namespace?: string
  readonly selector?: string
  readonly where?: JsonObject
  readonly count?: number
  readonly state?: 'ready' | 'running' | 'succeeded' | 'failed' | undefined
  readonly exitCode?: number
  readonly status?: JsonObject | undefined
  readonly newest?: boolean
  readonly delete?: boolean
  readonly terminating?: boolean
  readonly timeoutMs?: number
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body: Json
  /** For watches with fewer events than asked: whether the server ended the answer. */
  readonly ended?: boolean
}

const FOLDER = join(import.meta.dirname, 'corpus')

export function readArea(area: string): readonly Topic[] {
  return readPacked(area) as Topic[]
}

export function readPacked(area: string): unknown {
  return JSON.parse(zstdDecompressSync(readFileSync(join(FOLDER, `${area}.json.zst`))).toString('utf8'))
}

/** Packs a folder of files that are taken as they are. */
export function packFiles(folder: string, area: string): void {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
  const contents = files.map((file): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  writeFileSync(join(FOLDER, `${area}.json.zst`), compress(JSON.stringify(contents)))
}

/** Packs a folder of recorded topics (one JSON file each) into the corpus. */
export function packArea(folder: string, area: string): void {
  const topics = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      name: `${area}/${file.slice(0, -5)}`,
      scenarios: (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Topic).scenarios,
    }))
  writeFileSync(join(FOLDER, `${area}.json.zst`), compress(JSON.stringify(topics)))
}

export function compress(text: string): Uint8Array {
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: 24 } })
}
