import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

export const isShell = (text: string): text is Shell => (SHELLS as readonly string[]).includes(text)

/** A script for the shell, made of the commands as they are: nothing has to be kept true beside them. */
export function completionScript(shell: Shell, root: Command): string {
  const commands = root.commands.map((command) => ({
    name: command.name(),
    summary: command.description(),
    options: command.options.map(({ long, description }) => ({ name: long ?? '', summary: description })),
    words: WORDS[command.name()] ?? command.commands.map((below) => below.name()),
  }))
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`
    case 'fish':
      return fish(commands)
    default:
      return shell satisfies never
  }
}

interface CompletedCommand {
  readonly name: string
  readonly summary: string
  readonly options: readonly { readonly name: string; readonly summary: string }[]
  /** What the argument can be. */
  readonly words: readonly string[]
}

const WORDS: Readonly<Record<string, readonly string[]>> = { logs: ['server', 'agent', 'gateway', 'delivery'], completion: SHELLS }

function bash(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(
    ({ name, options, words }) => `    ${name}) words='${[...words, ...options.map((option) => option.name), '--help'].join(' ')}' ;;`,
  )
  return `_sampan() {
  local words current=\${COMP_WORDS[COMP_CWORD]}
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  [ "$COMP_CWORD" -eq 1 ] && words='${commands.map(({ name }) => name).join(' ')} help'
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _sampan sampan ./sampan
`
}

function fish(commands: readonly CompletedCommand[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = commands.flatMap(({ name, summary, options, words }) => [
    `complete -c sampan -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ...words.map((word) => `complete -c sampan -f -n ${quoted(`__fish_seen_subcommand_from ${name}`)} -a ${word}`),
    ...options.map(
      (option) =>
        `complete -c sampan -n ${quoted(`__fish_seen_subcommand_from ${name}`)} -l ${option.name.slice(2)} -d ${quoted(option.summary)}`,
    ),
  ])
  return `${lines.join('\n')}\n`
}
