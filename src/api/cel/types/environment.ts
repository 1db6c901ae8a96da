import type { Outcome, Value } from '../values/value.ts'
import type { MacroTable } from '../syntax/macros.ts'
import type { Functions } from './functions.ts'
import type { CelType } from './type.ts'

/** What the names in an expression mean. */
export interface Environment {
  readonly functions: Functions
  readonly macros: MacroTable
  /** The type of a variable; undefined when there is none of that name. */
  readonly variable: (name: string) => CelType | undefined
  /** The type that a name stands for, for values of types and for objects that are made: `int`, `Object.spec`. */
  readonly typeNamed: (name: string) => CelType | undefined
  /** Whether literals are looked at closely: lists and maps of one type, formats, patterns and times that can be read. */
  readonly strictLiterals: boolean
  /** Makes an object of a type that has fields. */
  readonly construct?: (type: CelType, fields: ReadonlyMap<string, Value>) => Outcome
}

/** The same with more variables. */
export function withVariables(environment: Environment, variables: Readonly<Record<string, CelType>>): Environment {
  return {
    ...environment,
    variable: (name) => (Object.hasOwn(variables, name) ? variables[name] : environment.variable(name)),
  }
}
