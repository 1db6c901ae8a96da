import { UserError } from '#base'
import { WRONG_USE, program } from './program.ts'

/** The one command. */
const FAILED = 1

try {
  await program().parseAsync()
} catch (error) {
  if (error instanceof UserError) {
    console.error(`sampan: ${error.message}${error.hint === undefined ? '' : `\n  ${error.hint.replaceAll('\n', '\n  ')}`}`)
    process.exitCode = WRONG_USE
  } else {
    console.error('sampan:', error)
    process.exitCode = FAILED
  }
}
