/** One step of a walk over an object: a field name, a key, a value that identifies an item, or a sign of `SIGNS`. */
export type Token = string | number | boolean | symbol | null

/** What no name and no value can be. */
export const SIGNS = {
  end: Symbol('end'),
  null: Symbol('null'),
  empty: Symbol('empty'),
} as const

type OwnedFields = Readonly<Record<string, unknown>>

/** A place in the tree: all objects that were walked up to here have been alike so far. */
export class ShapeNode {
  readonly token: Token
  /** What is owned by objects whose walk ends here. */
  fields: OwnedFields | undefined
  /** Most places are left in one way only. */
  only: ShapeNode | undefined
  others: Map<Token, ShapeNode> | undefined

  constructor(token: Token) {
    this.token = token
    this.fields = undefined
    this.only = undefined
    this.others = undefined
  }
}

/** Shapes of objects, found by walking: an object that is like one before takes the same steps, and nothing is made on the way. */
export class ShapeTree {
  readonly #limit: number
  #root = new ShapeNode(SIGNS.end)
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Where a walk begins. Forgets everything when there is too much of it, which is not in the middle of a walk. */
  begin(): ShapeNode {
    if (this.#size > this.#limit) {
      this.#root = new ShapeNode(SIGNS.end)
      this.#size = 0
    }
    return this.#root
  }

  step(from: ShapeNode, token: Token): ShapeNode {
    const { only } = from
    if (only === undefined) return (from.only = this.#make(token))
    if (only.token === token) return only
    const known = from.others?.get(token)
    if (known !== undefined) return known
    const made = this.#make(token)
    from.others ??= new Map()
    from.others.set(token, made)
    return made
  }

  #make(token: Token): ShapeNode {
    this.#size++
    return new ShapeNode(token)
  }
}
