import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPacked } from './corpus.ts'
import type { Target } from './http.ts'
import { normalTranscript } from './transcript-text.ts'

/** One run of kubectl 1.35 as it was recorded against kube-apiserver 1.36.3. */
export interface Transcript {
  /** Transcripts of one session share a namespace and run in their order. */
  readonly session: string
  readonly name: string
  readonly argv: readonly string[]
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  /** Must succeed, is not compared. */
  readonly setup?: boolean
  readonly ignore?: readonly Part[]
  /** Objects outside of the namespace that the session leaves behind. */
  readonly cluster?: readonly string[]
  readonly exitCode?: number
  readonly stdout?: string
  readonly stderr?: string
}
export interface TranscriptGroup {
  readonly group: string
  readonly transcripts: readonly Transcript[]
}
type Part = 'exitCode' | 'stdout' | 'stderr'
const PARTS: readonly Part[] = ['exitCode', 'stdout', 'stderr']

export function readTranscripts(): readonly TranscriptGroup[] {
  return readPacked('kubectl') as readonly TranscriptGroup[]
}

/** The sessions of a group, in the order in which they begin. */
export function sessionsOf(group: TranscriptGroup): ReadonlyMap<string, readonly Transcript[]> {
  return Map.groupBy(group.transcripts, ({ session }) => session)
}

const NAMESPACE_LETTERS = 'bcdfghjklmnpqrstvwxz'
const RUN_WITHIN_MS = 60_000

/** Runs one session and tells what was not as recorded. */
export async function replaySession(kubectl: string, target: Target, transcripts: readonly Transcript[]): Promise<readonly string[]> {
  const session = new Session(kubectl, target, transcripts)
  const wrong: string[] = []
  try {
    await session.open()
    for (const transcript of transcripts) {
      if (transcript.setup) await session.must(transcript.argv, transcript)
      else wrong.push(...(await session.compare(transcript)))
    }
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error))
  }
  await session.close()
  return wrong
}

class Session {
  readonly #kubectl: string
  readonly #host: string
  readonly #namespace: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'sampan-transcripts-'))
  readonly #config: string
  readonly #given: string
  readonly #leftBehind: ReadonlySet<string>

  constructor(kubectl: string, target: Target, transcripts: readonly Transcript[]) {
    this.#kubectl = kubectl
    this.#host = new URL(target.url).host
    const letters = Array.from({ length: 9 }, () => NAMESPACE_LETTERS[Math.floor(Math.random() * NAMESPACE_LETTERS.length)])
    this.#namespace = `p${letters.join('')}`
    this.#config = join(this.#folder, '.config')
    this.#given = JSON.stringify(transcripts.map(({ argv, stdin, files }) => [argv, stdin, files]))
    this.#leftBehind = new Set(transcripts.flatMap(({ cluster }) => cluster ?? []))
    writeFileSync(this.#config, JSON.stringify(kubeconfig(target, this.#namespace)))
  }

  async open(): Promise<void> {
    await this.must(['create', 'namespace', this.#namespace])
    await this.#execute({ argv: ['create', 'serviceaccount', 'default'] })
  }

  async must(argv: readonly string[], more: Partial<Transcript> = {}): Promise<void> {
    const { exitCode, stderr } = await this.#execute({ ...more, argv })
    if (exitCode !== 0) throw new Error(`setup: kubectl ${argv.join(' ')}: ${stderr.slice(0, 300)}`)
  }

  async compare(transcript: Transcript): Promise<readonly string[]> {
    const got = await this.#execute(transcript)
    const normal = (text: string): string =>
      normalTranscript(text, {
        namespace: this.#namespace,
        host: this.#host,
        folder: this.#folder,
        given: this.#given,
        argv: transcript.argv,
      })
    const shown: Readonly<Record<Part, string>> = {
      exitCode: String(got.exitCode),
      stdout: normal(got.stdout),
      stderr: normal(got.stderr),
    }
    return PARTS.filter((part) => !transcript.ignore?.includes(part)).flatMap((part) => {
      const expected = settled(String(transcript[part] ?? '')).split('\n')
      const found = settled(shown[part]).split('\n')
      const at = expected.findIndex((line, i) => line !== found[i])
      if (at === -1 && expected.length === found.length) return []
      const line = at === -1 ? expected.length : at
      return [
        `${transcript.name}: ${part} line ${line + 1}: expected ${JSON.stringify(expected[line] ?? null)}, got ${JSON.stringify(found[line] ?? null)}`,
      ]
    })
  }

  async close(): Promise<void> {
    for (const name of this.#leftBehind) await this.#execute({ argv: ['delete', name, '--wait=false', '--ignore-not-found'] })
    await this.#execute({ argv: ['delete', 'namespace', this.#namespace, '--wait=false'] })
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #execute({ argv, stdin = '', env = {}, files = {} }: Pick<Transcript, 'argv' | 'stdin' | 'env' | 'files'>): Promise<Output> {
    const fill = (text: string): string => text.replaceAll('{ns}', this.#namespace)
    for (const [name, content] of Object.entries(files)) writeFileSync(join(this.#folder, name), fill(content))
    const filled = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)]))
    const child = spawn(this.#kubectl, argv.map(fill), {
      cwd: this.#folder,
      env: { PATH: process.env['PATH'], HOME: this.#folder, KUBECONFIG: this.#config, TZ: 'UTC', KUBERC: 'off', ...filled },
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        output[name] += chunk
      })
    child.stdin.on('error', () => undefined)
    child.stdin.end(fill(stdin))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), RUN_WITHIN_MS)
      child.on('error', reject)
      child.on('close', (exitCode) => {
        clearTimeout(timer)
        resolve({ exitCode, ...output })
      })
    })
  }
}

interface Output {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Some recorded objects carry times of the past, which are longer ago with every day. */
const settled = (text: string): string => text.replace(/\((?:\d+[ydhms])+ ago\)/g, '(<age> ago)')

function kubeconfig({ url, token }: Target, namespace: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters: [{ name: 'parity', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'c', context: { cluster: 'parity', user: 'u', namespace } }],
  }
}
