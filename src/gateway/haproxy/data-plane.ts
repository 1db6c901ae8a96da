import type { ChildProcess } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Scope, UserError, createAuthority, messageOf, readFileIfThere } from '#base'
import type { GatewayModel } from '../model/model.ts'
import { spotText } from '../model/spot.ts'
import type { Changes } from '../model/news.ts'
import type { Places } from './places.ts'
import { planChange } from './plan.ts'
import { endHaproxy, isTakenByOthers, processesOf, startHaproxy } from './process.ts'
import type { Listening } from './listening.ts'
import { renderFiles } from './render.ts'
import { Conversation, ask, tellAll } from './runtime-api.ts'
import { type Told, freshState } from './state.ts'

export interface DataPlaneOptions {
  readonly places: Places
  readonly address: string
  readonly ownAddresses?: readonly string[] | undefined
  readonly httpPort: number
  readonly httpsPort: number
  readonly netns?: string | undefined
  readonly affinityKey: string
  /** What policies say when a process begins. */
  readonly policies?: () => ReadonlyMap<string, string>
  /** The present HAProxy has ended without being told to. */
  readonly onEnd: () => void
  /** A new process serves; what it is told from here on is in `told`. */
  readonly onServe?: (scope: Scope, told: Told) => void
}

export interface DataPlaneStats {
  /** HAProxy was started anew: at first, after it ended, for a larger pool, after a command that it refused. */
  readonly starts: number
  readonly commands: number
  readonly poolSize: number
  /** Servers that are taken out and not deleted yet. */
  readonly leaving: number
  readonly pid: number | undefined
}

/** Beyond this, a new process that reads all from files is there sooner. */
const MOST_COMMANDS = 20_000
const MOST_THREADS = 4
const MOST_LOG_BYTES = 1 << 20
const DAY_MS = 86_400_000
const OWN_CERTIFICATE_LIFE_MS = 365 * DAY_MS
const RENEWED_BEFORE_MS = 30 * DAY_MS

/**
 * One HAProxy that serves the last model it was given. Each process starts from files that hold everything; what changes afterwards is told to it while
 * it runs. Calls must not overlap.
 */
export class DataPlane {
  readonly #options: DataPlaneOptions
  #child: ChildProcess | undefined
  #told: Told | undefined
  #starts = 0
  #poolSize = 0
  #commands = 0
  #unavailable: ReadonlySet<string> = new Set()

  /** With the present process. */
  readonly #conversation: Conversation

  constructor(options: DataPlaneOptions) {
    this.#options = options
    this.#conversation = new Conversation(options.places.socket)
  }

  /**
   * Takes the changes of the model, and resolves when requests are led as it says. After a rejection HAProxy serves what it served before, and the next call
   * starts anew.
   */
  async apply(scope: Scope, model: GatewayModel): Promise<Changes> {
    const changes = model.takeChanges()
    const told = this.#child === undefined ? undefined : this.#told
    this.#told = undefined
    const commands = told === undefined ? undefined : planChange(told, model, changes, this.#options.places)
    if (commands === undefined || commands.length > MOST_COMMANDS) {
      await this.#start(scope, model)
      return changes
    }
    try {
      await tellAll(scope, this.#conversation, this.#options.places.socket, commands)
    } catch (error) {
      scope.check()
      scope.log.warn('a command was refused, a new process takes over', { error: messageOf(error) })
      await this.#start(scope, model)
      return changes
    }
    this.#commands += commands.length
    this.#told = told
    return changes
  }

  /** Where it was to listen and could not, as `spotText` has it: something else on the machine has the port, or nobody the address. Asked for again at the next start. */
  get unavailable(): ReadonlySet<string> {
    return this.#unavailable
  }

  /** Deletes servers that have nothing under way any more. Resolves with the number of those that still have. */
  async sweep(scope: Scope): Promise<number> {
    const told = this.#told
    const leaving = told?.leaving() ?? []
    if (told === undefined || leaving.length === 0) return 0
    const lines = leaving.map(({ slot, name }) => `del server ${slot.name}/${name}`)
    const answers = await this.#conversation.ask(scope, lines)
    for (const [at, { slot, name }] of leaving.entries())
      if (/^(Server deleted|No such server)/.test(answers[at] ?? '')) told.left(slot, name)
    return told.leaving().length
  }

  /** Requests of the present process that are not in the counts: nobody read their lines in time. */
  async linesLost(scope: Scope): Promise<number> {
    const info = await ask(scope, this.#options.places.socket, 'show info\n')
    return Number(/^DroppedLogs: (\d+)$/m.exec(info)?.[1] ?? 0)
  }

  stats(): DataPlaneStats {
    return {
      starts: this.#starts,
      commands: this.#commands,
      poolSize: this.#poolSize,
      leaving: this.#told?.leaving().length ?? 0,
      pid: this.#child?.pid,
    }
  }

  /** HAProxy says of each server that it is there now, and goes on saying so for as long as it lives. */
  cutLog(): void {
    const { log } = this.#options.places
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > MOST_LOG_BYTES) truncateSync(log)
  }

  /** Lets HAProxy serve on without us. */
  leave(): void {
    this.#conversation.close()
  }

  async stop(scope: Scope): Promise<void> {
    this.#child = undefined
    this.#conversation.close()
    await endHaproxy(scope, this.#options.places)
  }

  async #start(scope: Scope, model: GatewayModel): Promise<void> {
    const { places, netns } = this.#options
    const taken = new Set(this.#spotsOfOthers(model))
    this.#told = undefined
    // The present process ends when the new one is there: nobody is to be surprised.
    this.#child = undefined
    const state = freshState(model, this.#options.policies?.())
    const left = (): Listening['more'] => model.ports().filter((spot) => !taken.has(spotText(spot)))
    await this.#writeFiles(scope, state, model, left())
    let child: ChildProcess
    try {
      child = await startHaproxy(scope, places, netns)
    } catch (error) {
      const before = left().length
      for (const spot of spotsTaken(places, this.#options.address)) taken.add(spot)
      // One port of one Gateway is not to keep all others from what they want.
      if (!(error instanceof UserError) || left().length === before) throw error
      await this.#writeFiles(scope, state, model, left())
      child = await startHaproxy(scope, places, netns)
    }
    this.#unavailable = taken
    this.#conversation.close()
    this.#child = child
    this.#told = state
    this.#poolSize = state.poolSizes.http
    this.#starts++
    this.#options.onServe?.(scope, state)
    child.on('exit', (code, signal) => {
      if (this.#child !== child) return
      this.#child = undefined
      scope.log.warn('HAProxy has ended', { code, signal })
      this.#options.onEnd()
    })
    scope.log.info('HAProxy serves', { pid: child.pid, backends: state.slots.size, poolSize: state.poolSizes.http })
  }

  /** While a process tries to get a port that it cannot have, the one before it does not listen at all: what is known to be taken is not even tried. */
  #spotsOfOthers(model: GatewayModel): readonly string[] {
    const wanted = model.ports()
    // The one before may be another gateway's, over the same folder.
    const pids = wanted.length === 0 ? [] : processesOf(this.#options.places)
    if (pids.length === 0) return []
    const isTaken = isTakenByOthers(pids)
    return wanted.filter(({ address, port }) => isTaken(address ?? this.#options.address, port)).map(spotText)
  }

  async #writeFiles(scope: Scope, state: Told, model: GatewayModel, more: Listening['more']): Promise<void> {
    const { places, address, ownAddresses = [], httpPort, httpsPort } = this.#options
    const listening: Listening = {
      address,
      ownAddresses,
      httpPort,
      httpsPort,
      more,
      threads: Math.min(availableParallelism(), MOST_THREADS),
      dropRights: process.getuid?.() === 0,
      affinityKey: this.#options.affinityKey,
    }
    for (const folder of [places.folder, places.emptyFolder, places.certificates]) mkdirSync(folder, { recursive: true, mode: 0o700 })
    const files = renderFiles(state, places, listening, await ownCertificate(scope, places), model.authorities())
    for (const [path, text] of files) replaceFile(path, text)
    for (const name of readdirSync(places.certificates)) {
      const path = join(places.certificates, name)
      if (!files.has(path)) rmSync(path, { force: true })
    }
  }
}

/** As HAProxy says when it does not start. */
function spotsTaken({ log }: Places, shared: string): readonly string[] {
  return [...(readFileIfThere(log) ?? '').matchAll(/cannot bind [^\n]*\[([\d.]+):(\d+)\]/g)].map(([, address = '', port]) =>
    spotText({ port: Number(port), ...(address === shared ? {} : { address }) }),
  )
}

/** For names that no Secret is for: clients see that it is nobody's. */
async function ownCertificate(scope: Scope, places: Places): Promise<string> {
  const known = readFileIfThere(places.certificate(0))
  if (known !== undefined && endOf(known) > scope.clock.now() + RENEWED_BEFORE_MS) return known
  const { certificate, key } = await createAuthority(scope, 'sampan-gateway', OWN_CERTIFICATE_LIFE_MS)
  return `${certificate.trim()}\n${key.trim()}\n`
}

function endOf(pem: string): number {
  try {
    return new X509Certificate(pem).validToDate.getTime()
  } catch {
    return 0
  }
}

/** A reader sees the old text or the new one. All of it is written again before each start: it need not outlive the machine. */
function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
