import { type Json, type JsonObject, type Scenario, type Step, type Topic } from '../corpus.ts'

/** An object that the real server took, and where it was sent. */
export interface Seed {
  readonly collection: string
  readonly apiVersion: string
  readonly kind: string
  readonly body: JsonObject
  /** Steps that its scenario had taken before. */
  readonly before: readonly Step[]
}

const isObject = (value: Json | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value)

/** Of each collection the bodies that were taken, largest first. */
export function seedsOf(topics: readonly Topic[]): readonly Seed[] {
  const seeds = new Map<string, Seed>()
  for (const { scenarios } of topics)
    for (const scenario of scenarios)
      for (const seed of seedsOfScenario(scenario)) {
        const key = `${seed.collection} ${JSON.stringify(seed.body)}`
        if (!seeds.has(key)) seeds.set(key, seed)
      }
  return [...seeds.values()].sort((a, b) => JSON.stringify(b.body).length - JSON.stringify(a.body).length)
}

function* seedsOfScenario({ setup = [], steps }: Scenario): Generator<Seed> {
  const before: Step[] = []
  for (const [index, step] of [...setup, ...steps].entries()) {
    const [, collection] = /^POST (\/apis?\/[^?]*?)(?:\?.*)?$/.exec(step.request ?? '') ?? []
    const taken = index < setup.length || step.response?.status === 201
    const { body } = step
    if (collection !== undefined && taken && isObject(body) && step.as === undefined && !JSON.stringify(body).includes('"$var"')) {
      const { apiVersion, kind, metadata } = body
      const named = isObject(metadata) && typeof metadata['name'] === 'string'
      if (
        typeof apiVersion === 'string' &&
        typeof kind === 'string' &&
        named &&
        !/\{\w+\}\/\w+$/.test(collection.replace('/namespaces/{ns}/', '/'))
      )
        yield { collection, apiVersion, kind, body, before: [...before] }
    }
    const plain =
      step.watch === undefined && step.request !== undefined && !/^(GET|DELETE)/.test(step.request) && !step.request.includes('dryRun')
    if (plain) before.push({ ...step, allow: [200, 201, 400, 403, 404, 409, 422] })
  }
}
