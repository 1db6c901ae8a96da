/** What this process knows of etcd's revisions: both only rise, and etcd may be ahead. */
export class Known {
  #revision = 0
  #compactedRevision = 0
  /** Told when the newest revision has risen. */
  onRevision: () => void = () => undefined

  get revision(): number {
    return this.#revision
  }
  get compactedRevision(): number {
    return this.#compactedRevision
  }

  reached(revision: number): void {
    if (revision <= this.#revision) return
    this.#revision = revision
    this.onRevision()
  }

  compacted(revision: number): void {
    if (revision > this.#compactedRevision) this.#compactedRevision = revision
  }
}
