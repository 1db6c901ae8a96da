import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** One thing that must hold of the tree. A step is a command that exits with something other than 0 when it does not. */
export interface Step {
  readonly name: string
  /** What it says about the tree, for `--help`. */
  readonly holds: string
  /** Words of the command; `node` is the Node that runs this, other names are looked up in node_modules/.bin first. */
  readonly command: readonly string[]
}

const all: readonly (Step & { readonly needs?: string })[] = [
  { name: 'unit', holds: 'unit tests pass', command: ['node', 'tools/check/unit.ts'] },
  { name: 'types', holds: 'tsc finds no error', command: ['tsc', '-p', '.'] },
  { name: 'lint', holds: 'oxlint finds no error (rules and bans: .oxlintrc.json)', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', holds: 'files are as Biome writes them (npm run format)', command: ['biome', 'format', '.'] },
  {
    name: 'imports',
    holds: 'imports follow the table, no cycles, sizes, names, bans (tools/deps/rules.ts)',
    command: ['node', 'tools/deps/deps.ts'],
  },
  { name: 'dead', holds: 'every file, export and dependency is used (knip.json)', command: ['knip', '--no-progress', '--no-config-hints'] },
  {
    name: 'generated',
    holds: 'generated code is fresh (npm run gen)',
    command: ['node', 'tools/gen/gen.ts', '--check'],
    needs: 'tools/gen/gen.ts',
  },
  { name: 'docs', holds: 'pages name paths that exist and agree with the code', command: ['node', 'tools/docs/docs.ts'] },
]

/** The steps of a tree: those whose tool is there. Slowest first, so that they do not start last. */
export function stepsOf(root: string): readonly Step[] {
  return all.filter((step) => step.needs === undefined || existsSync(join(root, step.needs)))
}
