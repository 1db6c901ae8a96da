import { failureOf } from './program/failure.ts'
import { program } from './program/program.ts'

/** The one command, as it runs. What failed may have left servers and timers behind: nothing of it goes on. */
try {
  await program().parseAsync()
} catch (error) {
  const { text, exitCode } = failureOf(error)
  console.error(text)
  process.exit(exitCode)
}
