import { SavedFile } from '../saved-file.ts'
import type { ClaimMessage, PreparedDevice } from './driver-api.ts'

/** A claim whose drivers were asked to make it ready, and for whom. */
export interface BookedClaim extends ClaimMessage {
  readonly podUids: readonly string[]
  readonly drivers: readonly string[]
  /** By driver; undefined until all have answered. */
  readonly prepared: Readonly<Record<string, readonly PreparedDevice[]>> | undefined
}

/** What drivers hold ready on this node. It is written before they are asked: whatever they hold is given back some time. */
export class ClaimBook {
  readonly #file: SavedFile<readonly BookedClaim[]>
  readonly #claims = new Map<string, BookedClaim>()

  constructor(path: string) {
    this.#file = new SavedFile(path)
  }

  async load(): Promise<void> {
    for (const claim of (await this.#file.load()) ?? []) this.#claims.set(claim.uid, claim)
  }

  get all(): readonly BookedClaim[] {
    return [...this.#claims.values()]
  }
  get(uid: string): BookedClaim | undefined {
    return this.#claims.get(uid)
  }
  named(namespace: string, name: string): BookedClaim | undefined {
    return this.all.find((claim) => claim.namespace === namespace && claim.name === name)
  }
  of(podUid: string): readonly BookedClaim[] {
    return this.all.filter(({ podUids }) => podUids.includes(podUid))
  }

  /** Resolves when it is on the disk. */
  set(claim: BookedClaim): Promise<void> {
    this.#claims.set(claim.uid, claim)
    return this.#save()
  }
  delete(uid: string): Promise<void> {
    this.#claims.delete(uid)
    return this.#save()
  }

  #save(): Promise<void> {
    return this.#file.save(() => this.all)
  }
}
