import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Names with these are half made or half deleted: nobody's. */
const PASSING = /^\.(?:new|gone)-/
const RECORD = 'record.json'

/** A folder whose folders appear and go as wholes, each with a record beside its data. What a crash leaves in between is swept at the next start. */
export class RecordFiles<T> {
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
  }

  placeOf(id: string): string {
    return join(this.dir, id)
  }

  async read(id: string): Promise<T | undefined> {
    const text = await readFile(join(this.placeOf(id), RECORD), 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }

  async list(): Promise<readonly T[]> {
    const ids = (await readdir(this.dir).catch(() => [])).filter((name) => !name.startsWith('.'))
    return (await Promise.all(ids.map(async (id) => this.read(id)))).filter((record) => record !== undefined)
  }

  /** `fill` makes the data in the folder that it is given; with the record it appears when it is on disk. */
  async add(id: string, fill: (place: string) => Promise<T>): Promise<T> {
    const passing = join(this.dir, `.new-${id}`)
    await rm(passing, { recursive: true, force: true })
    await mkdir(passing, { recursive: true, mode: 0o700 })
    try {
      const record = await fill(passing)
      await writeDurably(join(passing, RECORD), JSON.stringify(record))
      await rename(passing, this.placeOf(id))
      await syncDirectory(this.dir)
      return record
    } catch (error) {
      await rm(passing, { recursive: true, force: true })
      throw error
    }
  }

  async replace(id: string, record: T): Promise<T> {
    const path = join(this.placeOf(id), RECORD)
    await writeDurably(`${path}.new`, JSON.stringify(record))
    await rename(`${path}.new`, path)
    await syncDirectory(dirname(path))
    return record
  }

  async remove(id: string): Promise<void> {
    const passing = join(this.dir, `.gone-${id}`)
    await rm(passing, { recursive: true, force: true })
    await rename(this.placeOf(id), passing).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
    await rm(passing, { recursive: true, force: true })
  }

  /** Before anything else is done with it. */
  async sweep(): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 })
    for (const name of await readdir(this.dir)) if (PASSING.test(name)) await rm(join(this.dir, name), { recursive: true, force: true })
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'w', 0o600)
  await file.writeFile(text)
  await file.sync()
}

async function syncDirectory(dir: string): Promise<void> {
  await using handle = await open(dir, 'r')
  await handle.sync()
}
