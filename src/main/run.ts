import { UserError } from '#base'
import { WRONG_USE } from './program/exit-codes.ts'
import { program } from './program/program.ts'

/** The one command, as it runs. What failed may have left servers and timers behind: nothing of it goes on. */
const FAILED = 1

try {
  await program().parseAsync()
} catch (error) {
  if (error instanceof UserError) {
    console.error(`sampan: ${error.message}${error.hint === undefined ? '' : `\n  ${error.hint.replaceAll('\n', '\n  ')}`}`)
    process.exit(WRONG_USE)
  } else {
    console.error('sampan:', error)
    process.exit(FAILED)
  }
}
