import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { UserError } from '#base'

/** The options of commands about one cluster on this machine. */
export function instanceFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--name <name>', 'which cluster: several live beside each other')
        .argParser(instanceName)
        .default('default')
        .env('SAMPAN_NAME'),
    )
    .addOption(
      new Option('--state-dir <dir>', 'where its database, keys, images and logs lie (default: /var/lib/sampan/NAME)').env(
        'SAMPAN_STATE_DIR',
      ),
    )
}

export const otherContainerd = (how = ''): Option =>
  new Option(
    '--containerd <dir>',
    `a folder with another containerd than the machine's: containerd, containerd-shim-runc-v2, ctr, and runc when it is there${how}`,
  ).argParser((dir: string) => resolve(dir))

/** The word for our own chain where a file's could stand. */
export const OWN_CHAIN = 'default'
export const ownCniChain = (how = ''): Option =>
  new Option(
    '--cni-config <file>',
    `a chain of CNI plugins (a conflist) for the pods' network instead of our own; {{.PodCIDR}} stands for the node's range${how}`,
  ).argParser((file: string) => (file === OWN_CHAIN ? file : resolve(file)))

/** It becomes part of names of interfaces, tables, control groups and folders. */
export function instanceName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?$/.test(text))
    throw new UserError(`not a name for a cluster: ${text}`, 'use at most 20 lower case letters, digits and dashes')
  return text
}
