import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What is written before a driver is called, with the kubelet's names: enough to undo it, whatever has become of the agent, the pod and the volume. */
export interface JournalEntry {
  readonly driverName: string
  readonly volumeHandle: string
  readonly specVolID: string
  readonly nodeName: string
  readonly volumeLifecycleMode: 'Persistent' | 'Ephemeral'
  readonly attachmentID: string
}

const FILE = 'vol_data.json'
const PLUGIN = 'kubernetes.io~csi'

/** Where a volume of a driver is on the node: the kubelet's places, which some drivers know. */
export interface VolumePlaces {
  readonly podEntry: string
  readonly target: string
  readonly volumeEntry: string
  readonly staging: string
}

export class Journal {
  readonly #rootDir: string
  readonly #podsDir: string

  constructor(rootDir: string, podsDir: string) {
    this.#rootDir = join(rootDir, 'plugins', 'kubernetes.io', 'csi')
    this.#podsDir = podsDir
  }

  placesOf(
    podUid: string,
    of: { readonly driver: string; readonly handle: string; readonly name: string; readonly block: boolean },
  ): VolumePlaces {
    if (of.block) {
      const devices = join(this.#rootDir, 'volumeDevices')
      return {
        podEntry: join(this.#podsDir, podUid, 'volumeDevices', PLUGIN, of.name),
        target: join(devices, 'publish', of.name, podUid),
        volumeEntry: join(devices, of.name, 'data'),
        staging: join(devices, 'staging', of.name),
      }
    }
    const volume = join(this.#rootDir, of.driver, createHash('sha256').update(of.handle).digest('hex'))
    const podEntry = join(this.#podsDir, podUid, 'volumes', PLUGIN, of.name)
    return { podEntry, target: join(podEntry, 'mount'), volumeEntry: volume, staging: join(volume, 'globalmount') }
  }

  /** Atomic: a crash leaves the old file or the new one. */
  async write(dir: string, entry: JournalEntry): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o750 })
    const path = join(dir, FILE)
    await writeFile(`${path}.new`, JSON.stringify(entry), { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  async read(dir: string): Promise<JournalEntry | undefined> {
    const text = await readFile(join(dir, FILE), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : (JSON.parse(text) as JournalEntry)
  }

  /** Forgets an entry, and the directories around it that are empty then. What is not empty is left and refused. */
  async forget(dir: string): Promise<void> {
    await rm(join(dir, FILE), { force: true })
    await removeEmpty(dir)
  }

  /** What a pod has, of both modes. */
  async ofPod(podUid: string): Promise<readonly { readonly entry: JournalEntry; readonly places: VolumePlaces }[]> {
    const found = []
    for (const [folder, block] of [
      ['volumes', false],
      ['volumeDevices', true],
    ] as const) {
      const dir = join(this.#podsDir, podUid, folder, PLUGIN)
      for (const name of await readdir(dir).catch(() => [])) {
        const entry = await this.read(join(dir, name))
        if (entry === undefined) continue
        const places = this.placesOf(podUid, { driver: entry.driverName, handle: entry.volumeHandle, name, block })
        found.push({ entry, places })
      }
    }
    return found
  }

  /** The pods whose entries name a volume. */
  async usersOf(driver: string, handle: string): Promise<readonly string[]> {
    const users: string[] = []
    for (const uid of await readdir(this.#podsDir).catch(() => []))
      if ((await this.ofPod(uid)).some(({ entry }) => entry.driverName === driver && entry.volumeHandle === handle)) users.push(uid)
    return users
  }

  /** What is staged, or was about to be. */
  async volumes(): Promise<readonly { readonly entry: JournalEntry; readonly places: Pick<VolumePlaces, 'volumeEntry' | 'staging'> }[]> {
    const found = []
    for (const driver of await readdir(this.#rootDir).catch(() => [])) {
      const isBlock = driver === 'volumeDevices'
      for (const name of await readdir(join(this.#rootDir, driver)).catch(() => [])) {
        if (isBlock && (name === 'publish' || name === 'staging')) continue
        const dir = join(this.#rootDir, driver, name, ...(isBlock ? ['data'] : []))
        const entry = await this.read(dir)
        if (entry === undefined) continue
        const staging = isBlock ? join(this.#rootDir, driver, 'staging', name) : join(dir, 'globalmount')
        found.push({ entry, places: { volumeEntry: dir, staging } })
      }
    }
    return found
  }
}

/** Deletes a directory and the one above it when nothing is in them. Nothing is ever deleted together with its content here: it may be somebody's data. */
export async function removeEmpty(dir: string): Promise<void> {
  for (const one of [dir, dirname(dir)]) {
    try {
      await rmdir(one)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ENOENT') continue
      if (one !== dir && (code === 'ENOTEMPTY' || code === 'EEXIST')) return
      throw error
    }
  }
}
