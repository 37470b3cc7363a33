import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.lesfurets.jenkins.unit.BasePipelineTest;
import groovy.lang.Script;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.Before;
import org.junit.Test;

public class GitOpsTest extends BasePipelineTest {
  private static final String DIGEST = "sha256:" + "a".repeat(64);
  private Script gitOps;

  @Override
  @Before
  public void setUp() throws Exception {
    super.setUp();
    gitOps = loadScript("vars/gitOps.groovy");
  }

  private List<String> shells() {
    return getHelper().getCallStack().stream()
        .filter(call -> call.getMethodName().equals("sh"))
        .map(call -> call.getArgs()[0].toString())
        .collect(Collectors.toList());
  }

  private void write(Map<String, Object> what) {
    gitOps.invokeMethod("writeImage", what);
  }

  @Test
  public void writesTheImageIntoTheOverlayByItsDigest() {
    write(Map.of("overlay", "staging", "image", "registry.example:5000/hannip", "digest", DIGEST));
    assertEquals(
        List.of(
            "jenkins/scripts/write-image.sh \"$GITOPS_REPOSITORY\" main staging registry.example:5000/hannip@"
                + DIGEST),
        shells());
  }

  @Test
  public void takesTheAddressFromACredentialWhichIsInNoArgument() {
    write(Map.of("overlay", "staging", "image", "registry.example/hannip", "digest", DIGEST));
    assertTrue(
        getHelper().getCallStack().stream()
            .anyMatch(call -> call.getMethodName().equals("withCredentials")));
    assertTrue(shells().get(0).contains("\"$GITOPS_REPOSITORY\""));
  }

  @Test
  public void letsNothingThroughThatIsNoDigestImageOrOverlay() {
    for (Map<String, Object> wrong :
        List.<Map<String, Object>>of(
            Map.of("overlay", "staging", "image", "registry.example/hannip", "digest", "latest"),
            Map.of("overlay", "staging", "image", "x; rm -rf /", "digest", DIGEST),
            Map.of("overlay", "staging", "image", "$(id)", "digest", DIGEST),
            Map.of("overlay", "../x", "image", "registry.example/hannip", "digest", DIGEST),
            Map.of("overlay", "staging", "image", "registry.example/hannip"))) {
      assertThrows(Exception.class, () -> write(wrong));
    }
    assertEquals(List.of(), shells());
  }

  @Test
  public void promotesFromStagingToProductionAndInNoOtherDirection() {
    gitOps.invokeMethod("promote", Map.of("from", "staging", "to", "production"));
    assertEquals(
        List.of("jenkins/scripts/promote.sh \"$GITOPS_REPOSITORY\" main staging production"), shells());
    assertThrows(
        Exception.class, () -> gitOps.invokeMethod("promote", Map.of("from", "production", "to", "staging")));
    assertEquals(1, shells().size());
  }
}
