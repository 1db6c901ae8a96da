import { SampanError } from '#base/pure'

/** An object cannot be looked at in the version of one of its managers. */
export class UnfitVersion extends SampanError {
  readonly code = 'UNFIT_VERSION'
  constructor(problems: readonly string[]) {
    super(problems.length === 1 ? (problems[0] ?? '') : ['errors:', ...problems.map((problem) => `  ${problem}`)].join('\n'))
  }
}
