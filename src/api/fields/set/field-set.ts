import { isJsonObject } from '../../meta/deep.ts'
import { compareElements, elementText, fieldElement, type PathElement, parseElement } from './path-element.ts'

/**
 * A set of paths, in the very form in which `fieldsV1` writes it: an object by path element. A path is in the set when its
 * node is empty or has the member `.`; the root stands for no path, so an empty root is the empty set. Elements stand in the
 * order of `compareElements`.
 *
 * Sets are immutable and share their parts. Operations return an argument itself where the result is equal to it, so that
 * `===` tells that nothing changed.
 */
export interface FieldSet {
  readonly [element: PathElement]: FieldSet
}

/** The empty set, and as a node: a path with nothing below it. */
export const EMPTY_SET: FieldSet = Object.freeze({})
const SELF = '.'

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false
  return true
}

/** Whether the path of this node itself is in the set (for nodes below the root). */
export function isMember(node: FieldSet): boolean {
  return node[SELF] !== undefined || isEmptySet(node)
}

/** The set of these paths of field names. */
export function fieldSetOf(...paths: readonly (readonly string[])[]): FieldSet {
  return paths.reduce<FieldSet>(
    (set, path) =>
      union(
        set,
        path.reduceRight<FieldSet>((node, name) => ({ [fieldElement(name)]: node }), EMPTY_SET),
      ),
    EMPTY_SET,
  )
}

/** Children collected for a node, brought into order as they come: they are few, and nearly in order already. */
export class NodeBuilder {
  readonly #elements: PathElement[] = []
  readonly #nodes: FieldSet[] = []
  readonly #self: boolean
  #ordered = true
  /** `self`: whether the path of the node is in the set. */
  constructor(self: boolean) {
    this.#self = self
  }

  /** For an element that is known to come after all others. */
  append(element: PathElement, node: FieldSet): void {
    this.#elements.push(element)
    this.#nodes.push(node)
  }

  /** Each element once. */
  add(element: PathElement, node: FieldSet): void {
    const elements = this.#elements
    let at = elements.length
    if (at > INSERTION_LIMIT) {
      this.#ordered &&= compareElements(elements[at - 1] ?? '', element) < 0
      elements.push(element)
      this.#nodes.push(node)
      return
    }
    const nodes = this.#nodes
    elements.push(element)
    nodes.push(node)
    for (; at > 0 && compareElements(elements[at - 1] ?? '', element) > 0; at--) {
      elements[at] = elements[at - 1] ?? ''
      nodes[at] = nodes[at - 1] ?? EMPTY_SET
    }
    elements[at] = element
    nodes[at] = node
  }

  /** Undefined when neither the path nor anything below it is in the set. */
  build(): FieldSet | undefined {
    const elements = this.#elements
    if (elements.length === 0) return this.#self ? EMPTY_SET : undefined
    const node: Record<PathElement, FieldSet> = this.#self ? { [SELF]: EMPTY_SET } : {}
    if (this.#ordered) {
      for (let at = 0; at < elements.length; at++) node[elements[at] ?? ''] = this.#nodes[at] ?? EMPTY_SET
      return node
    }
    const nodes = new Map(elements.map((element, at) => [element, this.#nodes[at] ?? EMPTY_SET]))
    for (const element of [...elements].sort(compareElements)) node[element] = nodes.get(element) ?? EMPTY_SET
    return node
  }
}

/** Beyond this many children, sorting once is faster than keeping them sorted. */
const INSERTION_LIMIT = 32

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a
  return isEmptySet(a) ? b : unionOf(a, b, false)
}

function unionOf(a: FieldSet, b: FieldSet, self: boolean): FieldSet {
  const builder = new NodeBuilder(self)
  let same = self === (a[SELF] !== undefined)
  for (const element of Object.keys(a)) {
    const mine = a[element]
    if (element === SELF || mine === undefined) continue
    const other = b[element]
    const both = other === undefined || other === mine ? mine : unionOf(mine, other, isMember(mine) || isMember(other))
    if (both !== mine) same = false
    builder.append(element, both)
  }
  for (const element of Object.keys(b)) {
    const node = b[element]
    if (element === SELF || node === undefined || a[element] !== undefined) continue
    same = false
    builder.add(element, node)
  }
  return same ? a : (builder.build() ?? EMPTY_SET)
}

/** The paths of `a` that are not in `b`. What is below a path of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(a) || isEmptySet(b) ? a : (without(a, b, false, false) ?? EMPTY_SET)
}

/** The paths of `a` that are neither in `b` nor below one that is. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(a) || isEmptySet(b) ? a : (without(a, b, false, true) ?? EMPTY_SET)
}

function without(a: FieldSet, b: FieldSet, self: boolean, deep: boolean): FieldSet | undefined {
  const builder = new NodeBuilder(self)
  let same = self === (a[SELF] !== undefined)
  for (const element of Object.keys(a)) {
    const mine = a[element]
    if (element === SELF || mine === undefined) continue
    const other = b[element]
    const left = other === undefined ? mine : withoutNode(mine, other, deep)
    if (left !== mine) same = false
    if (left !== undefined) builder.append(element, left)
  }
  return same ? a : builder.build()
}

function withoutNode(mine: FieldSet, other: FieldSet, deep: boolean): FieldSet | undefined {
  const excluded = isMember(other)
  if (excluded && deep) return undefined
  if (isEmptySet(mine)) return excluded ? undefined : mine
  return without(mine, other, mine[SELF] !== undefined && !excluded, deep)
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a
  return isEmptySet(a) || isEmptySet(b) ? EMPTY_SET : (common(a, b, false) ?? EMPTY_SET)
}

function common(a: FieldSet, b: FieldSet, self: boolean): FieldSet | undefined {
  const builder = new NodeBuilder(self)
  let same = self === (a[SELF] !== undefined)
  for (const element of Object.keys(a)) {
    const mine = a[element]
    if (element === SELF || mine === undefined) continue
    const other = b[element]
    const both = other === undefined ? undefined : mine === other ? mine : common(mine, other, isMember(mine) && isMember(other))
    if (both !== mine) same = false
    if (both !== undefined) builder.append(element, both)
  }
  return same && !isEmptySet(a) ? a : builder.build()
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true
  const elements = Object.keys(a)
  return elements.length === Object.keys(b).length && elements.every((element) => sameNode(a[element], b[element]))
}

function sameNode(a: FieldSet | undefined, b: FieldSet | undefined): boolean {
  return a !== undefined && b !== undefined && equalSets(a, b)
}

/** Whether a path of elements is in the set. */
export function hasPath(set: FieldSet, path: readonly PathElement[]): boolean {
  let node: FieldSet | undefined = set
  for (const element of path) node = node?.[element]
  return node !== undefined && path.length > 0 && isMember(node)
}

/** All paths as messages show them; those that end at a node before those that go on. */
export function pathsOf(set: FieldSet): string[] {
  const paths: string[] = []
  collect(set, '', paths)
  return paths
}

function collect(node: FieldSet, prefix: string, paths: string[]): void {
  const children = Object.entries(node).filter(([element]) => element !== SELF)
  for (const [element, child] of children) if (isMember(child)) paths.push(prefix + elementText(element))
  for (const [element, child] of children) if (!isEmptySet(child)) collect(child, prefix + elementText(element), paths)
}

/**
 * Reads a `fieldsV1` that a client sent and brings it into order. Elements of an unknown kind are left out. Throws a
 * SyntaxError for what is no field set.
 */
export function parseFieldSet(json: unknown): FieldSet {
  if (json === undefined || json === null) return EMPTY_SET
  return parseNode(json, true) ?? EMPTY_SET
}

function parseNode(json: unknown, isRoot: boolean): FieldSet | undefined {
  if (!isJsonObject(json)) throw new SyntaxError('a field set is an object')
  const keys = Object.keys(json)
  const builder = new NodeBuilder(!isRoot && (keys.length === 0 || keys.includes(SELF)))
  const seen = new Map<PathElement, FieldSet>()
  for (const key of keys) {
    const element = key === SELF ? undefined : parseElement(key)
    const node = element === undefined ? undefined : parseNode(json[key], false)
    if (element === undefined || node === undefined) continue
    const before = seen.get(element)
    seen.set(element, before === undefined ? node : unionOf(before, node, isMember(before) || isMember(node)))
  }
  for (const [element, node] of seen) builder.add(element, node)
  return builder.build()
}
