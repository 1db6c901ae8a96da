import { messageOf } from '#base'
import { GATEWAY_PROGRAMS, NODE_PROGRAMS, type NeededProgram, canInstallPackages, installPackages, missingPrograms } from '#main'

/** What tests need of a machine beside what clusters need. Not etcd: Debian 12's is of a version whose watches lose events, and is refused. */
const TEST_PROGRAMS: readonly NeededProgram[] = [
  { program: 'curl', package: 'curl' },
  { program: 'perl', package: 'perl-base' },
  { program: 'busybox', package: 'busybox-static' },
  { program: 'git', package: 'git' },
]

/**
 * Installs what this machine lacks, so that no test is left out for want of a program. Where that cannot be done (who runs this is not root, or there
 * is no apt-get), the tests that want one are skipped, and say which.
 */
export function installNeededPrograms(): void {
  if (process.getuid?.() !== 0 || !canInstallPackages()) return
  const missing = missingPrograms([...NODE_PROGRAMS, ...GATEWAY_PROGRAMS, ...TEST_PROGRAMS], process.env['PATH'] ?? '')
  const packages = [...new Set(missing.map((needed) => needed.package))]
  if (packages.length === 0) return
  console.log(`installing for the tests: ${packages.join(', ')}`)
  try {
    installPackages(packages)
  } catch (error) {
    console.log(`not installed (${messageOf(error)}): what needs them is skipped`)
  }
}
