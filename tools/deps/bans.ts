import { Visitor } from 'oxc-parser'
import { type Problem, error } from './problem.ts'
import { isTestCode } from './rules.ts'
import type { SourceFile, SourceTree } from './source-tree.ts'

/** What the linter's configuration cannot express. Bans that it can are in .oxlintrc.json, each with its replacement. */
export function checkBans(tree: SourceTree): Problem[] {
  return tree.files.flatMap((file) => [
    ...checkDecorators(file),
    ...(file.path.startsWith('src/') && !isTestCode(file.path) ? checkProduct(file) : []),
  ])
}

/** tsc accepts decorators, Node's type stripping does not run them. */
function checkDecorators(file: SourceFile): Problem[] {
  const problems: Problem[] = []
  new Visitor({
    Decorator(node) {
      problems.push(error(file.path, file.lineAt(node.start), 'decorators do not run under type stripping: call a function instead'))
    },
  }).visit(file.program)
  return problems
}

function checkProduct(file: SourceFile): Problem[] {
  const problems: Problem[] = []
  const ban = (start: number, message: string): void => {
    problems.push(error(file.path, file.lineAt(start), message))
  }
  for (const statement of file.program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type === 'VariableDeclaration' && declaration.kind !== 'const' && !declaration.declare) {
      ban(declaration.start, `module-level '${declaration.kind}': state belongs to a value that someone opens and closes`)
    }
  }
  const isClock = file.path === 'src/base/clock.ts'
  const checkParameters = (node: { readonly params: readonly unknown[]; readonly start: number }): void => {
    const at = node.params.findIndex(isScopeParameter)
    if (at > 0) ban(node.start, `takes its Scope as parameter ${at + 1}: scope is the first parameter of everything that waits`)
  }
  new Visitor({
    NewExpression(node) {
      if (!isClock && node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) {
        ban(node.start, "'new Date()' reads the system's clock: take scope.clock.now(), and rfc3339() of #base for text")
      }
    },
    CallExpression(node) {
      if (!isClock && node.callee.type === 'Identifier' && node.callee.name === 'Date') {
        ban(node.start, "'Date()' reads the system's clock: take scope.clock.now()")
      }
    },
    FunctionDeclaration: checkParameters,
    FunctionExpression: checkParameters,
    ArrowFunctionExpression: checkParameters,
    TSDeclareFunction: checkParameters,
    TSMethodSignature: checkParameters,
    TSFunctionType: checkParameters,
  }).visit(file.program)
  return problems
}

function isScopeParameter(parameter: unknown): boolean {
  if (typeof parameter !== 'object' || parameter === null || !('typeAnnotation' in parameter)) return false
  const annotation = parameter.typeAnnotation as {
    readonly typeAnnotation?: { readonly type: string; readonly typeName?: { readonly name?: string } }
  } | null
  const type = annotation?.typeAnnotation
  return type?.type === 'TSTypeReference' && type.typeName?.name === 'Scope'
}
