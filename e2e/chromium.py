"""A real browser without a window, for those checks that look at pages as people do."""

import shutil

from selenium import webdriver


def chromium(folder):
    """Keeps what its console says; `folder` is for what it leaves behind."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--proxy-server=direct://", f"--user-data-dir={folder}/chromium"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


def looks(driver, folder, name):
    """Looks at the page on a telephone and on a desk, by day and by night, and keeps pictures of it.
    Gives what is wrong: what stands out over the edge, and colours that do not turn with the night."""
    wrong, papers = [], {}
    for width in (390, 1280):
        for scheme in ("light", "dark"):
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            wide = driver.execute_script("return document.documentElement.scrollWidth")
            if wide > width:
                wrong.append(f"{wide} px wide on {width}")
            papers.setdefault(scheme, set()).add(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))
            height = driver.execute_script("return document.documentElement.scrollHeight")
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": min(height, 4000), "deviceScaleFactor": 1, "mobile": width < 500})
            driver.save_screenshot(str(folder / f"{name}-{width}-{scheme}.png"))
    if papers["light"] & papers["dark"]:
        wrong.append(f"the same paper by night: {papers}")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    return wrong
