import { addresses } from '../library/kubernetes/addresses.ts'
import { authorization } from '../library/kubernetes/authorization.ts'
import { jsonPatches } from '../library/kubernetes/json-patches.ts'
import { namedFormats } from '../library/kubernetes/named-formats.ts'
import { quantities } from '../library/kubernetes/quantities.ts'
import { semvers } from '../library/kubernetes/semvers.ts'
import { standardLibraries, standardTypes, wrappedValue } from '../library/standard.ts'
import { urls } from '../library/kubernetes/urls.ts'
import { standardMacros } from '../syntax/macros.ts'
import type { Environment } from '../types/environment.ts'
import { Functions } from '../types/functions.ts'
import { opaqueType } from '../types/type.ts'
import { CelError } from '../values/error.ts'

/** One expression may cost so much, all expressions over one object so much together. */
export const LIMITS = {
  perCall: 1_000_000,
  perObject: 10_000_000,
  matchConditions: 2_500_000,
  /** Of a messageExpression's result, in bytes. */
  messageBytes: 5 * 1024,
} as const

/** The other types of the libraries have values and no name. */
const NAMED_TYPES = ['net.IP', 'net.CIDR']

/** What all expressions in the API have, without variables. `forPatches`: also what JSON patches are made with. */
export function kubernetesEnvironment({ forPatches = false } = {}): Environment {
  const types = new Map([...standardTypes(), ...NAMED_TYPES.map((name) => [name, opaqueType(name)] as const)])
  const libraries = [...standardLibraries, quantities, addresses, urls, namedFormats, semvers, authorization]
  return {
    functions: new Functions(forPatches ? [...libraries, jsonPatches] : libraries),
    macros: standardMacros(),
    variable: () => undefined,
    typeNamed: (name) => types.get(name),
    strictLiterals: true,
    construct: (type, fields) => wrappedValue(type, fields) ?? new CelError(`unknown type: ${type.name}`),
  }
}
