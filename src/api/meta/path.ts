/**
 * Where in an object a value is: `spec.containers[0].name`, `metadata.labels[app]`. Cheap to extend, turned into text
 * only when there is an error to report.
 */
export class Path {
  readonly #parent: Path | undefined
  readonly #text: string
  private constructor(parent: Path | undefined, text: string) {
    this.#parent = parent
    this.#text = text
  }
  static of(first: string, ...more: readonly string[]): Path {
    return more.reduce((path, name) => path.child(name), new Path(undefined, first))
  }
  child(name: string): Path {
    return new Path(this, `.${name}`)
  }
  index(at: number): Path {
    return new Path(this, `[${at}]`)
  }
  key(key: string): Path {
    return new Path(this, `[${key}]`)
  }
  toString(): string {
    return this.#parent === undefined ? this.#text : this.#parent.toString() + this.#text
  }
}
