// What is deployed is what stands in Git. Both steps check what they are given before a shell sees it.

void writeImage(Map what) {
  String image = "${known('image', what.image, /[a-z0-9.\/:_-]+/)}@${known('digest', what.digest, /sha256:[0-9a-f]{64}/)}"
  String overlay = known('overlay', what.overlay, /staging|production/)
  inRepository { sh "jenkins/scripts/write-image.sh \"\$GITOPS_REPOSITORY\" main ${overlay} ${image}" }
}

void promote(Map what) {
  String from = known('overlay', what.from, /staging/)
  String to = known('overlay', what.to, /production/)
  inRepository { sh "jenkins/scripts/promote.sh \"\$GITOPS_REPOSITORY\" main ${from} ${to}" }
}

private String known(String name, Object value, String pattern) {
  if (!(value instanceof CharSequence) || !value.toString().matches(pattern)) {
    throw new IllegalArgumentException("gitOps: ${name} is not like ${pattern}")
  }
  return value.toString()
}

/** The credential is an address with a token in it, or an SSH one with an agent; it is in no argument and no log. */
private void inRepository(Closure work) {
  withCredentials([string(credentialsId: 'hannip-gitops-repository', variable: 'GITOPS_REPOSITORY')]) {
    work()
  }
}
