import { CompileProblem, compile, programOf } from '../compile.ts'
import { estimateCost } from '../cost/estimate.ts'
import { bindMacro, macroKey } from '../syntax/macros.ts'
import type { Environment } from '../types/environment.ts'
import { type CelType, mapType, opaqueType, structType, TYPES, typeName } from '../types/type.ts'
import { kubernetesEnvironment, LIMITS } from './environment.ts'

const { string, bool, dyn } = TYPES
const FIELDS: Readonly<Record<string, CelType>> = {
  driver: string,
  attributes: mapType(string, mapType(string, dyn)),
  capacity: mapType(string, mapType(string, opaqueType('kubernetes.Quantity'))),
  allowMultipleAllocations: bool,
}
const deviceType = structType('kubernetes.DRADevice', (name) => (Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined))

/** How large what a driver says of a device may be. */
const MOST = { driver: 63, domain: 63, id: 32, attributes: 32, value: 64 } as const

/** Made with the first selector. */
const made: { environment?: Environment } = {}

/** What selectors of devices are written in. */
export function deviceEnvironment(): Environment {
  return (made.environment ??= makeEnvironment())
}

function makeEnvironment(): Environment {
  const base = kubernetesEnvironment()
  return {
    ...base,
    macros: new Map([...base.macros, [macroKey('bind', 3, true), bindMacro]]),
    variable: (name) => (name === 'device' ? deviceType : undefined),
  }
}

function most([root, field, ...below]: readonly string[]): number | undefined {
  if (root !== 'device') return undefined
  if (field === 'driver') return MOST.driver
  if (field !== 'attributes' && field !== 'capacity') return undefined
  const last = below.at(-1)
  if (below.length === 0) return MOST.attributes
  if (below.length === 1) return last === '@keys' ? MOST.domain : MOST.attributes
  return last === '@keys' ? MOST.id : field === 'attributes' ? MOST.value : undefined
}

export interface SelectorProblem {
  /** Whether it would be fine if it were simpler. */
  readonly isTooCostly: boolean
  readonly text: string
}

/** What is wrong with an expression that selects devices; undefined when nothing is. */
export function deviceSelectorProblem(source: string): SelectorProblem | undefined {
  const invalid = (text: string): SelectorProblem => ({ isTooCostly: false, text })
  const expression = compile(source, deviceEnvironment())
  if (expression instanceof CompileProblem) return invalid(`compilation failed: ${expression.text}`)
  const { outputType } = expression
  if (outputType.kind !== 'bool' && outputType.kind !== 'dyn')
    return invalid(`must evaluate to bool or the unknown type, not ${typeName(outputType)}`)
  const program = programOf(expression)
  if (typeof program === 'string') return invalid(`program instantiation failed: ${program}`)
  const cost = estimateCost(expression.checked, (path) => {
    const max = most(path)
    return max === undefined ? undefined : { min: 0, max }
  }).max
  return cost > LIMITS.perCall ? { isTooCostly: true, text: 'too complex, exceeds cost limit' } : undefined
}
