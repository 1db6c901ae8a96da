import { createHash } from 'node:crypto'
import { type Scope, messageOf } from '#base'
import type { SavedFile } from '../saved-file.ts'
import { type PullSecret, registryOf } from './credentials.ts'

/** Which Secret an image was pulled with, never what it says. */
interface Key {
  readonly uid: string
  readonly place: string
  readonly hash: string
}

/** By the image's name, without tag and digest: `everybody` when nobody had to log in, else the Secrets that have opened it. */
type Doors = Record<string, 'everybody' | readonly Key[]>

export interface SavedPulls {
  /** Names of images whose pull has begun and not been written down as done: what the runtime has of them is nobody's yet. */
  readonly begun: readonly string[]
  /** By the image's id. */
  readonly pulled: Readonly<Record<string, Doors>>
}

const MOST_KEYS = 100

/**
 * Who may use the images of this node without pulling them: an image that was pulled with a Secret is for pods that have that Secret, or one that says the same, and for
 * whoever can pull it himself (Kubernetes' `NeverVerifyPreloadedImages`, KEP 2535). Images that this node has not pulled are everybody's.
 */
export class PulledImages {
  readonly #file: SavedFile<SavedPulls> | undefined
  readonly #begun = new Set<string>()
  readonly #pulled = new Map<string, Doors>()
  #loaded: Promise<void> | undefined

  /** Without a file it is forgotten with the process. */
  constructor(file?: SavedFile<SavedPulls>) {
    this.#file = file
  }

  /** Whether a pod with these Secrets has to pull the image though it is there. */
  async mustPull(image: string, id: string, secrets: readonly PullSecret[]): Promise<boolean> {
    await this.#load()
    const doors = this.#pulled.get(id)
    const name = nameOf(image)
    if (doors === undefined) return this.#begun.has(image)
    const keys = doors[name]
    if (keys === undefined) return true
    if (keys === 'everybody') return false
    for (const key of secrets.map(keyOf)) {
      const known = keys.find((one) => one.hash === key.hash || isSameSecret(key, one))
      if (known === undefined) continue
      if (known.hash !== key.hash || known.place !== key.place) await this.#admit(id, name, key)
      return false
    }
    return true
  }

  /** Before a pull: whatever comes of it, the image is not taken for one that was always there. */
  async begin(image: string): Promise<void> {
    await this.#load()
    this.#begun.add(image)
    await this.#save()
  }

  /** After it: with what it was pulled (undefined: without logging in), and which images are there at all. */
  async done(scope: Scope, image: string, id: string, used: PullSecret | undefined, there: readonly string[]): Promise<void> {
    for (const one of this.#pulled.keys()) if (one !== id && !there.includes(one)) this.#pulled.delete(one)
    if (used === undefined) this.#pulled.set(id, { ...this.#pulled.get(id), [nameOf(image)]: 'everybody' })
    else await this.#admit(id, nameOf(image), keyOf(used))
    this.#begun.delete(image)
    await this.#save().catch((error: unknown) =>
      scope.log.warn('who may use an image is not written down', { image, error: messageOf(error) }),
    )
  }

  /** It came to nothing, and nothing has come of it. */
  async failed(image: string): Promise<void> {
    this.#begun.delete(image)
    await this.#save().catch(() => undefined)
  }

  async #admit(id: string, name: string, key: Key): Promise<void> {
    const doors = this.#pulled.get(id) ?? {}
    const before = doors[name]
    if (before === 'everybody') return
    const others = (before ?? []).filter((one) => !isSameSecret(key, one))
    this.#pulled.set(id, { ...doors, [name]: [key, ...others].slice(0, MOST_KEYS) })
    await this.#save()
  }

  #load(): Promise<void> {
    this.#loaded ??= (async () => {
      const saved = await this.#file?.load()
      for (const name of saved?.begun ?? []) this.#begun.add(name)
      for (const [id, doors] of Object.entries(saved?.pulled ?? {})) this.#pulled.set(id, doors)
    })()
    return this.#loaded
  }

  async #save(): Promise<void> {
    await this.#file?.save(() => ({ begun: [...this.#begun], pulled: Object.fromEntries(this.#pulled) }))
  }
}

/** `docker.io/library/nginx` of `nginx:1`. */
function nameOf(image: string): string {
  const registry = registryOf(image)
  const path = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
  if (registry !== 'docker.io') return path
  const own = path.replace(/^docker\.io\//, '')
  return `docker.io/${own.includes('/') ? own : `library/${own}`}`
}

/** Whatever it says by now. */
const isSameSecret = (one: Key, other: Pick<Key, 'uid' | 'place'>): boolean =>
  one.uid !== '' && one.uid === other.uid && one.place === other.place

const keyOf = ({ credentials, secret: { metadata } }: PullSecret): Key => ({
  uid: metadata?.uid ?? '',
  place: `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`,
  hash: createHash('sha256').update(JSON.stringify(credentials)).digest('base64'),
})
