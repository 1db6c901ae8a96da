import { type Command, Option } from 'commander'
import type { DoctorFlags } from './flags.ts'
import { instanceFlags, otherContainerd } from './instance-flags.ts'

/** `sampan doctor`. */
export function addDoctorCommand(root: Command): void {
  instanceFlags(root.command('doctor').description('say what this machine lacks, and what does not work because of it; changes nothing'))
    .option('--isolated', 'ask about a cluster whose nodes have networks of their own (always so for names other than "default")', false)
    .addOption(otherContainerd())
    .addOption(new Option('-o, --output <form>', 'how to print').choices(['text', 'json']).default('text'))
    .action(async (flags: DoctorFlags) => {
      const { runDoctor } = await import('../commands/doctor.ts')
      await runDoctor(flags)
    })
}
