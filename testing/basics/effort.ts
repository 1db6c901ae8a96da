/**
 * How much the tests that can go on for ever do: `sampan test --rounds N --seconds S --seed N`. Without a word from outside they do
 * as much as every run can afford.
 */
export function rounds(usual: number): number {
  return numberOf('SAMPAN_TEST_ROUNDS') ?? usual
}

/** How long a test that can go on for ever does. */
export function testSeconds(usual: number): number {
  return numberOf('SAMPAN_TEST_SECONDS') ?? usual
}

/** What fast-check is told of each property: its usual number of runs, or as many as fit into the time that was asked for. */
export function propertyRuns(usual: number): PropertyRuns {
  const seconds = numberOf('SAMPAN_TEST_SECONDS')
  const seed = seedOf('SAMPAN_TEST_SEED')
  return {
    ...(seed === undefined ? {} : { seed }),
    ...(seconds === undefined ? { numRuns: usual } : { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000 }),
  }
}

export interface PropertyRuns {
  readonly numRuns: number
  readonly seed?: number
  readonly interruptAfterTimeLimit?: number
}

/** As fast-check tells them: negative ones too. */
function seedOf(name: string): number | undefined {
  const text = process.env[name]
  if (text === undefined) return undefined
  const seed = Number(text)
  if (!Number.isSafeInteger(seed)) throw new Error(`${name}=${text} is not an integer`)
  return seed
}

function numberOf(name: string): number | undefined {
  const text = process.env[name]
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isFinite(number) || number <= 0) throw new Error(`${name}=${text} is not a positive number`)
  return number
}
