import { PartMemo, type Scope } from '#base'
import { type KubeObject, deepEqual, share } from '#api'
import { BadAnswer } from '../errors.ts'
import { type RawFrame, parseLeanText, textOfFrame } from './frames.ts'

const SPEC = '"spec":{'
const STATUS = ',"status":{'
const NODE = ',"nodeName":"'
const MOST_BYTES = 8 << 20
/** How specs are read: all alike. */
const SPECS = {}

type WithSpec = KubeObject & { spec?: Values }
type Values = Readonly<Record<string, unknown>>

/**
 * Reads objects many of which have the same spec but for the name of a node, as the pods of a workload do: what the specs have in common is one frozen
 * object, read once. Notes of who set which field are left out on the way. Whatever does not look as expected is read as ever: the text of a part
 * is compared as a whole, and where it stood is seen by what was put in its place.
 */
export class SharedSpecs {
  readonly #memo: PartMemo

  constructor(scope: Scope) {
    this.#memo = new PartMemo(scope, MOST_BYTES)
  }

  /** One line of a watch. */
  readonly frame = (frame: Uint8Array): RawFrame => {
    const text = textOfFrame(frame)
    const start = text.indexOf(SPEC)
    const end = text.lastIndexOf(STATUS)
    if (start === -1 || end < start) return parseLeanText(text)
    const specText = text.slice(start + SPEC.length - 1, end)
    const spec = this.#known(specText)
    const read = spec === undefined ? undefined : readAround(text, start, end, spec)
    if (read !== undefined) return read
    const whole = parseLeanText(text)
    this.#learn(specText, (whole.object as WithSpec).spec)
    return whole
  }

  /** Gives an object that has been read otherwise, and is the caller's own, its part of what specs have in common. */
  settle(object: WithSpec): void {
    if (object.spec === undefined) return
    const text = JSON.stringify(object.spec)
    const known = this.#known(text)
    if (known === undefined) this.#learn(text, object.spec)
    else object.spec = known
  }

  #known(text: string): Values | undefined {
    const { key, nodeName } = withoutNode(text)
    const shared = this.#memo.fits(key.length) ? (this.#memo.find(SPECS, key) as Values | undefined) : undefined
    return shared === undefined || nodeName === undefined ? shared : { ...shared, nodeName }
  }

  #learn(text: string, spec: Values | undefined): void {
    const { key, rest, nodeName } = withoutNode(text)
    if (spec === undefined || !this.#memo.fits(key.length) || !this.#memo.isSecond(key)) return
    const { nodeName: own, ...common } = spec
    if (own === nodeName && deepEqual(parsed(rest), common)) this.#memo.keep(SPECS, key, share(common))
  }
}

/** The text of a spec without the name of its node, and where it stood: both together stand for all texts that differ in the name alone. */
function withoutNode(text: string): { readonly key: string; readonly rest: string; readonly nodeName: string | undefined } {
  const at = text.indexOf(NODE)
  const start = at + NODE.length
  const end = at === -1 ? -1 : text.indexOf('"', start)
  const nodeName = text.slice(start, end)
  if (end === -1 || nodeName.includes('\\')) return { key: text, rest: text, nodeName: undefined }
  const rest = text.slice(0, at) + text.slice(end + 1)
  return { key: `${at}${rest}`, rest, nodeName }
}

/** Undefined when the spec does not stand where it was thought to. */
function readAround(text: string, start: number, end: number, spec: Values): RawFrame | undefined {
  try {
    const { type, object } = parseLeanText(`${text.slice(0, start)}"spec":0${text.slice(end)}`)
    const read = object as { spec?: unknown } | null
    if (read?.spec !== 0) return undefined
    read.spec = spec
    return { type, object }
  } catch (error) {
    if (error instanceof BadAnswer) return undefined
    throw error
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
