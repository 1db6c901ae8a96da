import type { Json, Scenario, Step } from './corpus.ts'
import { matches, pick, remove, sortKeys } from './json-path.ts'

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'
const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g
const TIME = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( \+0000 UTC|Z|[+-]\d\d:\d\d)/g
const AGE = /^(\d+[smhdy])+$/
const AGE_COLUMN = /^(age|last seen|first seen|last schedule|duration)$/i
const PEM = /-----BEGIN CERTIFICATE-----[^]*-----END CERTIFICATE-----\n?/g
const THREE_DAYS_MS = 3 * 86_400_000
/** `-6d4cf56db6` of a ReplicaSet, `-6d4cf56db6-x7k2p` of its pods, `-x7k2p` of others. */
const HASHES = new RegExp(
  `(?:-([${SUFFIX_LETTERS}]{6,10}))(?![\\w.-])|(?:-([${SUFFIX_LETTERS}]{6,10}))?-([${SUFFIX_LETTERS}]{5})(?![\\w.])`,
  'g',
)
const DURATIONS = /\b\d+(?:\.\d+)?(?:ms|µs)\b|\b\d+\.\d+s\b/g
const HASH_LABELS = ['pod-template-hash', 'controller-revision-hash']

type Words = Readonly<Record<string, Json>>

/** What is volatile whatever the scenario. Done to recordings as well. */
export const settle = (text: string): string =>
  text
    .replace(new RegExp(`\\bkube-api-access-[${SUFFIX_LETTERS}]{5}\\b`, 'g'), 'kube-api-access-<suffix>')
    .replace(/([?&]hash=)[0-9A-Fa-f]{16,}/g, '$1<hash>')
    // Times of long ago are longer ago with every day.
    .replace(/(^|")\d+y(?:\d+d)?("|$)/g, '$1<years>$2')

const fields = (value: Json | undefined): Record<string, Json> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {}

/** The server sorts managers by operation, second and name; the second is chance. Changes the value in place. */
export function sortManagers(value: Json, key = ''): Json {
  if (value === null || typeof value !== 'object') return value
  for (const [name, item] of Object.entries(value)) sortManagers(item, name)
  if (!Array.isArray(value) || !key.endsWith('managedFields')) return value
  const operations = [...new Set(value.map((entry) => fields(entry)['operation']))]
  const identity = (entry: Json): string => ['manager', 'subresource', 'apiVersion'].map((name) => String(fields(entry)[name])).join(' ')
  const order = (entry: Json): number => operations.indexOf(fields(entry)['operation'])
  return value.sort((a, b) => order(a) - order(b) || (identity(a) < identity(b) ? -1 : 1))
}

/**
 * Replaces what differs from run to run: names, uids, versions, times, addresses. One lives as long as one run of a scenario, so that equal
 * values get equal replacements in all its steps. `behaviour` recordings do not number uids and versions, and hide hashes and durations.
 */
export class Normaliser {
  readonly #words: Words
  readonly #templates: string
  readonly #host: string
  readonly #behaviour: boolean
  readonly #numbers = { uid: new Map<string, number>(), rv: new Map<string, number>() }
  /** Generated names and allocated addresses → what stands for them. */
  readonly #texts = new Map<string, string>()
  #replace: Step['replace']

  constructor(words: Words, scenario: Scenario, host: string, behaviour: boolean) {
    this.#words = words
    this.#templates = JSON.stringify([scenario.setup, scenario.steps.map(({ response: _, ...step }) => step)])
    this.#host = host
    this.#behaviour = behaviour
  }

  #number(kind: 'uid' | 'rv', value: string): string {
    if (this.#behaviour) return `<${kind}>`
    const known = this.#numbers[kind]
    if (!known.has(value)) known.set(value, known.size + 1)
    return `<${kind}:${known.get(value)}>`
  }

  #time(text: string, fraction: string | undefined): string {
    const ageMs = Date.now() - Date.parse(text.replace(' +0000 UTC', 'Z').replace(' ', 'T'))
    const far = this.#behaviour ? Math.abs(ageMs) > THREE_DAYS_MS : ageMs > THREE_DAYS_MS
    if (far || this.#templates.includes(text)) return text
    return fraction === undefined ? '<time>' : '<microtime>'
  }

  string(input: string): string {
    let text = input
    for (const [from, to] of [...this.#texts].sort(([a], [b]) => b.length - a.length))
      if (text.includes(from)) text = text.replaceAll(from, to)
    for (const name of ['ns2', 'ns']) {
      const namespace = this.#words[name]
      if (typeof namespace === 'string') text = text.replaceAll(namespace, `{${name}}`)
    }
    text = this.#behaviour
      ? text
          .replace(/(?<=[a-z])-\d{8}(?=$|[^\w])/g, '-<minutes>')
          .replace(HASHES, (_, alone, hash, suffix) => (alone || hash ? '-<hash>' : '') + (suffix ? '-<suffix>' : ''))
          .replace(DURATIONS, '<duration>')
      : settle(text)
    return text
      .replaceAll(this.#host, '<host>')
      .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>')
      .replace(PEM, (pem) => (this.#templates.includes(JSON.stringify(pem).slice(1, -1)) ? pem : '<token>'))
      .replace(TIME, (all: string, fraction: string | undefined) => this.#time(all, fraction))
      .replace(UUID, (uid) => (this.#templates.includes(uid) ? uid : this.#number('uid', uid)))
      .replace(/(too old resource version: \d+ \()\d+|(Too large resource version: \d+, current: )\d+/g, '$1$2<rv>')
      .replace(/(?<!too (?:old|large) )(resource ?version[^0-9{}\n]{0,40}?)\b(\d+)\b/gi, (all: string, before: string, version: string) =>
        version === '0' || new RegExp(`resourceVersion(=|\\\\?":\\s*\\\\?")-?${version}\\b`).test(this.#templates)
          ? all
          : before + this.#number('rv', version),
      )
  }

  /**
   * Looks through an answer for generated names and allocated addresses, to replace them wherever they occur, and replaces in place what only
   * its surroundings tell: ages in tables, and the resourceVersion of a collection, which moves with every write to the server.
   */
  learn(value: Json | undefined): void {
    if (Array.isArray(value)) return value.forEach((item) => this.learn(item))
    if (value === undefined || value === null || typeof value !== 'object') return
    const isCollection = Array.isArray(value['items']) || /List$|^Table$/.test(String(value['kind']))
    const collection = value['type'] === 'BOOKMARK' ? fields(value['object'])['metadata'] : isCollection ? value['metadata'] : undefined
    if (/^[1-9]\d*$/.test(String(fields(collection)['resourceVersion']))) fields(collection)['resourceVersion'] = '<rv>'
    if (this.#behaviour) this.#learnBehaviour(value)
    this.#learnName(value)
    for (const ip of [value['clusterIP'], ...(Array.isArray(value['clusterIPs']) ? value['clusterIPs'] : [])])
      if (typeof ip === 'string' && /[.:]/.test(ip) && !this.#templates.includes(ip)) this.#texts.set(ip, '<ip>')
    for (const port of [value['nodePort'], value['healthCheckNodePort']])
      if (typeof port === 'number' && port !== 0 && !this.#templates.includes(String(port))) this.#texts.set(`:${port}/`, ':<port>/')
    this.#hideAges(value)
    for (const item of Object.values(value)) this.learn(item)
  }

  #learnName(value: Record<string, Json>): void {
    const { generateName, name } = value
    if (typeof generateName !== 'string' || generateName === '' || typeof name !== 'string') return
    const grown = this.#behaviour ? name.length === Math.min(generateName.length, 58) + 5 : name.length > generateName.length
    if (grown && name.startsWith(generateName.slice(0, 58))) this.#texts.set(name, `${name.slice(0, -5)}<suffix>`)
  }

  #hideAges(value: Record<string, Json>): void {
    const { columnDefinitions, rows } = value
    if (!Array.isArray(columnDefinitions) || !Array.isArray(rows)) return
    for (const row of rows) {
      const { cells } = fields(row)
      if (!Array.isArray(cells)) continue
      const isAge = (i: number): boolean => AGE_COLUMN.test(String(fields(columnDefinitions[i])['name'] ?? (this.#behaviour ? '' : 'Age')))
      fields(row)['cells'] = cells.map((cell, i) => (typeof cell === 'string' && isAge(i) && AGE.test(cell) ? '<age>' : cell))
    }
  }

  /** Puts what has no order into one, and hides the hashes of templates. */
  #learnBehaviour(value: Record<string, Json>): void {
    const text = (item: Json): string => JSON.stringify(sortKeys(item))
    const sortBy = (list: Json | undefined, keyOf: (item: Json) => string): void => {
      if (Array.isArray(list)) list.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    }
    sortBy(value['conditions'], (item) => String(fields(item)['type']))
    sortBy(value['endpoints'], (item) => String(pick(item, 'addresses.0')))
    if (value['addressType'] !== undefined) sortBy(value['ports'], text)
    if (Array.isArray(value['subsets'])) {
      for (const subset of value['subsets'])
        for (const list of Object.values(fields(subset))) sortBy(list, (item) => String(fields(item)['ip'] ?? text(item)))
      sortBy(value['subsets'], (subset) => {
        const first = pick(subset, 'addresses.0.ip')
        return String(first === '<absent>' ? pick(subset, 'notReadyAddresses.0.ip') : first)
      })
    }
    for (const label of HASH_LABELS) {
      const hash = value[label]
      if (typeof hash !== 'string') continue
      if (hash.includes('-')) value[label] = hash.replace(/-[^-]*$/, '-<hash>')
      else if (!hash.includes('<')) {
        this.#texts.set(`-${hash}`, '-<hash>')
        value[label] = '<hash>'
      }
    }
  }

  /** With `only`, a key is a path; its last part says what the value is. Items of an array go by the array's key. */
  #value(value: Json, key = ''): Json {
    const field = /[^.]*$/.exec(key)?.[0] ?? ''
    if (typeof value === 'string') {
      const text = (this.#replace ?? []).reduce((before, [from, to]) => before.replace(new RegExp(from, 'g'), to), value)
      if (field === 'resourceVersion' && /^[1-9]\d*$/.test(text)) return this.#number('rv', text)
      return field === 'continue' && text !== '' ? '<continue>' : this.string(text)
    }
    if (typeof value === 'number')
      return /^(nodePort|healthCheckNodePort)$/.test(field) && value !== 0 && !this.#templates.includes(String(value)) ? '<port>' : value
    if (value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map((item) => this.#value(item, key))
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [this.string(name), this.#value(item, name)]))
  }

  /** The answer as it is compared. Takes the value over. */
  body(raw: Json, step: Step): Json {
    this.#replace = step.replace
    if (this.#behaviour) {
      this.learn(raw)
      const { items } = fields(raw)
      if (step.each !== undefined && Array.isArray(items)) return this.#rows(items, step)
      if (step.only !== undefined && raw !== null && typeof raw === 'object') return this.#value(this.#only(raw, step.only))
      for (const path of step.except ?? []) remove(raw, path)
      return this.#value(raw)
    }
    let value = sortManagers(raw)
    // YAML is compared as text.
    if (typeof raw === 'string' && /^kind: \w+List$/m.test(raw))
      value = raw.replace(/^(metadata:\n(?: {2}.*\n)*? {2}resourceVersion: )"\d+"/m, '$1"<rv>"')
    if (step.only !== undefined) value = this.#only(raw, step.only)
    else for (const path of step.except ?? []) remove(value, path)
    // Numbers are given in the order of sorted keys, so that the order of keys in the answer does not matter.
    this.#value(sortKeys(value))
    return this.#value(value)
  }

  #only(raw: Json, paths: readonly string[]): Json {
    return Object.fromEntries(paths.map((path) => [path, pick(raw, path)]))
  }

  #rows(items: readonly Json[], step: Step): Json {
    const kept = items.filter((item) => matches(item, step.where) && !(step.without !== undefined && matches(item, step.without)))
    const rows = kept.map((item) =>
      JSON.stringify(this.#value(Object.fromEntries((step.each ?? []).map((path) => [path, sortKeys(pick(item, path))])))),
    )
    const chosen = step.unique === true ? [...new Set(rows)] : rows
    return chosen.sort().map((row): Json => JSON.parse(row) as Json)
  }
}
