import type { Json, JsonObject, Step, Topic } from '../corpus.ts'
import { type Target, Wire } from '../http.ts'
import { type Change, asPatch, changed, changesOf } from './changes.ts'
import { type Finding, type Mode, findingOf } from './findings.ts'
import { Ground, SharedRun } from './runs.ts'
import { Schemas } from './schemas.ts'
import { type Seed, seedsOf } from './seeds.ts'

export interface DifferOptions {
  readonly modes: readonly Mode[]
  readonly jobs: number
  /** Against `apiVersion/kind`. */
  readonly only?: RegExp
  /** Largest number of changes of one seed, spread evenly over all. */
  readonly most: number
  /** Which of the changes are taken when there are more: those after so many. */
  readonly from: number
  /** Largest number of seeds of one kind. */
  readonly seeds: number
  readonly onFinding: (finding: Finding) => void
  readonly onKind?: (kind: string, compared: number, found: number) => void
}

const READY_WITHIN_MS = 5000
const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1'
/** The pods of templates have the rules of pods, which are tried with pods. */
const IN_TEMPLATE = /template\.spec\.(?!containers$|restartPolicy|volumes$|activeDeadlineSeconds)/
const QUIET = [
  'metadata.managedFields',
  'metadata.creationTimestamp',
  'rows[].object.metadata.managedFields',
  'rows[].object.metadata.creationTimestamp',
]

/** Sends the same generated requests to a real server and to another one, and tells where the answers differ. */
export async function differ(real: Target, ours: Target, topics: readonly Topic[], options: DifferOptions): Promise<number> {
  const wires = [new Wire(real), new Wire(ours)] as const
  const seeds = Map.groupBy(seedsOf(topics), (seed) => `${seed.apiVersion}/${seed.kind}`)
  let compared = 0
  try {
    for (const [kind, all] of [...seeds].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (options.only !== undefined && !options.only.test(kind)) continue
      const [first] = all
      const schemas = await Schemas.read(real, first?.apiVersion ?? '')
      const root = schemas.follow(schemas.ofKind(first?.apiVersion ?? '', first?.kind ?? ''))
      for (const mode of options.modes) {
        const seen = new Set<string>()
        let [count, found] = [0, 0]
        for (const seed of all.slice(0, options.seeds)) {
          const possible = changesOf(schemas, root, seed.body, seen, namesIn(seed.body))
          const changes = spread(
            possible.filter(({ path }) => !IN_TEMPLATE.test(path.join('.'))),
            options.most,
            options.from,
          )
          const findings = await trySeed(wires, seed, mode, changes, options.jobs)
          count += changes.length
          found += findings.length
          for (const finding of findings) options.onFinding(finding)
        }
        compared += count
        options.onKind?.(`${kind} ${mode}`, count, found)
      }
    }
  } finally {
    for (const wire of wires) wire.close()
  }
  return compared
}

function spread<T>(items: readonly T[], most: number, from: number): readonly T[] {
  const every = Math.ceil(items.length / most)
  return every <= 1 ? items : items.filter((_, index) => index % every === from % every)
}

async function trySeed(
  wires: readonly [Wire, Wire],
  seed: Seed,
  mode: Mode,
  changes: readonly Change[],
  jobs: number,
): Promise<readonly Finding[]> {
  if (changes.length === 0) return []
  const creates = mode === 'create' || mode === 'pairs' || mode === 'table' || mode === 'strict'
  const isCustom = seed.collection.startsWith('/apis/{ns}')
  // A new kind is served a moment after its definition is there.
  const ready = isCustom ? { poll: { status: 201, timeoutMs: READY_WITHIN_MS } } : {}
  const post: Step = { request: `POST ${seed.collection}`, body: seed.body, allow: [200, 201, 400, 403, 404, 409, 422], ...ready }
  const setup =
    creates && !isCustom ? seed.before : [...seed.before, creates ? { ...post, request: `${post.request ?? ''}?dryRun=All` } : post]
  const grounds = wires.map((wire) => new Ground(wire, { name: '', setup, steps: [{ body: seed.body }] }))
  const isReady = await Promise.all(grounds.map((ground) => ground.prepare())).then(
    () => true,
    () => false,
  )
  // Some were taken in a dry run only.
  if (!isReady) {
    await Promise.all(grounds.map((ground) => ground.done()))
    return []
  }
  const stored = await Promise.all(grounds.map(async (ground) => (creates ? null : ground.stored(seed))))
  const findings: Finding[] = []
  const queue = changes.entries()
  const worker = async (): Promise<void> => {
    for (const [index, change] of queue) {
      const step = stepFor(seed, mode, change, changes, index)
      if (step === undefined) continue
      const scenario = { name: '', setup, steps: [step] }
      const answers = await Promise.all(
        wires.map((wire, side) => new SharedRun(wire, scenario, grounds[side]?.words ?? {}, stored[side] ?? null).answerTo(step)),
      )
      const finding = findingOf({ kind: `${seed.apiVersion}/${seed.kind}`, mode, change: change.name, request: step }, answers)
      if (finding !== undefined) findings.push(finding)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  await Promise.all(grounds.map((ground) => ground.done()))
  return findings
}

function stepFor(seed: Seed, mode: Mode, change: Change, all: readonly Change[], index: number): Step | undefined {
  const { collection, body } = seed
  const name = String((body['metadata'] as JsonObject)['name'])
  const one = `${collection}/${name}`
  const partial = (): JsonObject | undefined => changed(body, [change])
  const create = (made: JsonObject | undefined, query: string, headers?: Record<string, string>): Step | undefined =>
    made === undefined
      ? undefined
      : { request: `POST ${collection}?dryRun=All${query}`, body: made, except: QUIET, ...(headers && { headers }) }
  const send = (verb: string, type: string, made: Json | undefined, query = ''): Step | undefined =>
    made === undefined
      ? undefined
      : { request: `${verb}?dryRun=All${query}`, body: made, headers: { 'Content-Type': `application/${type}` } }
  switch (mode) {
    case 'create':
      return create(partial(), '')
    case 'strict':
      return create(partial(), '&fieldValidation=Strict')
    case 'table':
      return create(partial(), '', { Accept: TABLE })
    case 'pairs': {
      // The same partners in every run.
      const others = [all[(index * 7 + 3) % all.length], all[(index * 13 + 5) % all.length]].filter((other) => other !== undefined)
      return create(changed(body, [change, ...others]), '')
    }
    case 'update':
      return send(`PATCH ${one}`, 'json-patch+json', asPatch(body, change))
    case 'merge':
      return send(`PATCH ${one}`, index % 2 === 0 ? 'merge-patch+json' : 'strategic-merge-patch+json', mergePatch(body, change))
    case 'apply':
      return send(`PATCH ${one}`, 'apply-patch+yaml', partial(), '&fieldManager=m&force=true')
    case 'status':
      return change.path[0] === 'status' ? send(`PATCH ${one}/status`, 'merge-patch+json', mergePatch(body, change)) : undefined
  }
}

/** As a merge patch: lists on the way are sent whole. */
function mergePatch(body: JsonObject, { path, value }: Change): Json | undefined {
  const whole = changed(body, [{ name: '', path, value }])
  const at = path.findIndex((part) => typeof part === 'number')
  const keys = (at < 0 ? path : path.slice(0, at)).map(String)
  let content: Json | undefined = whole
  for (const key of keys) content = content === null || typeof content !== 'object' ? undefined : (content as JsonObject)[key]
  return keys.reduceRight<Json>((inner, key) => ({ [key]: inner }), content ?? null)
}

/** Names that stand in the object: of containers, volumes, ports. */
function namesIn(value: Json, found = new Set<string>()): readonly string[] {
  if (value !== null && typeof value === 'object')
    for (const [key, item] of Object.entries(value))
      if (key === 'name' && typeof item === 'string' && found.size < 3) found.add(item)
      else namesIn(item, found)
  return [...found]
}
