import { readFileSync } from 'node:fs'
import { Command } from 'commander'

/** The one command. Subcommands load their code when they run, so that `sampan version` costs nothing of `sampan up`. */
const program = new Command('sampan').description('A Kubernetes-API-compatible container platform')

program
  .command('version')
  .description('print the version of Sampan and of the Node that runs it')
  .action(() => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
    console.log(`sampan ${manifest.version} (node ${process.versions.node})`)
  })

await program.parseAsync()
