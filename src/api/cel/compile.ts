import { check, type Checked } from './check/check.ts'
import { literalIssues } from './check/validate.ts'
import { plan, type Program } from './eval/plan.ts'
import { type Issue, issuesText } from './syntax/issues.ts'
import { parse } from './syntax/parse.ts'
import type { Environment } from './types/environment.ts'
import type { CelType } from './types/type.ts'
import { CelError } from './values/error.ts'

/** An expression that means something. */
export interface Expression {
  readonly source: string
  readonly checked: Checked
  readonly outputType: CelType
  readonly environment: Environment
}

/** Why an expression means nothing: the issues, as text for people. */
export class CompileProblem {
  readonly text: string
  constructor(source: string, issues: readonly Issue[]) {
    this.text = issuesText(source, issues)
  }
}

/** Reads and checks an expression. */
export function compile(source: string, environment: Environment): Expression | CompileProblem {
  const parsed = parse(source, environment.macros)
  if (parsed.issues.length > 0) return new CompileProblem(source, parsed.issues)
  const checked = check(parsed.expr, environment)
  if (checked.issues.length > 0) return new CompileProblem(source, checked.issues)
  const literals = environment.strictLiterals ? literalIssues(checked) : []
  if (literals.length > 0) return new CompileProblem(source, literals)
  return { source, checked, outputType: checked.typeOf(checked.expr), environment }
}

/** Makes an expression ready to be evaluated. A text says why it never can be. */
export function programOf({ checked, environment }: Expression): Program | string {
  const program = plan(checked, environment)
  return program instanceof CelError ? program.message : program
}
